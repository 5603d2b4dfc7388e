using System.Security.Authentication;
using Npgsql;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using R1Grains.Operations;

namespace R1Grains.Cluster;

/// <summary>The database that holds the record and, beside it, what the cluster keeps.</summary>
internal static class PostgresServer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Waits a while for the server, which may be starting too, and makes the tables that are missing.</summary>
    /// <param name="identity">Null for a process that signs no trees.</param>
    /// <exception cref="StartFailure">It does not answer.</exception>
    /// <exception cref="RecordServerException">It must not hold a record as it is set.</exception>
    /// <exception cref="RecordRewoundException">It has lost what it had acknowledged.</exception>
    public static async Task<IRecord> Open(string connection, IRecordMarks marks, LogIdentity? identity, TimeProvider time)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                var record = await PostgresRecord.OpenAsync(connection, marks, identity, time);
                try
                {
                    await ClusterTables.Make(connection);
                    return record;
                }
                catch
                {
                    await record.DisposeAsync();
                    throw;
                }
            }
            catch (Exception away) when (away is (RecordUnavailableException and not RecordRewoundException) or NpgsqlException)
            {
                if (away is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege })
                    throw new StartFailure($"The user of ConnectionStrings__Postgres may not make the tables of the cluster ({away.Message}): grant CREATE on the database, once.");
                // Waiting mends neither a password nor a certificate.
                if (Causes(away).Any(cause => cause is AuthenticationException))
                    throw new StartFailure($"{away.Message} It must speak TLS with a certificate that leads to an authority known here: 'Root Certificate=/path/ca.pem' in ConnectionStrings__Postgres names one.");
                if (Causes(away).Any(cause => cause is PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification }))
                    throw new StartFailure(away.Message);
                if (time.GetElapsedTime(start) >= Patience)
                    throw new StartFailure($"{away.Message} Start PostgreSQL (deploy/local.sh up starts one on this machine), or mend ConnectionStrings__Postgres.");
                await Task.Delay(Pause, time);
            }
        }
    }

    private static IEnumerable<Exception> Causes(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException) yield return cause;
    }
}
