using System.Security.Authentication;
using Npgsql;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
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
    /// <param name="keys">Null for a process that looks at nothing sealed.</param>
    /// <exception cref="StartFailure">It does not answer.</exception>
    /// <exception cref="RecordServerException">It must not hold a record as it is set.</exception>
    /// <exception cref="RecordRewoundException">It has lost what it had acknowledged.</exception>
    public static Task<IRecord> Open(PostgresLogins logins, IRecordMarks marks, LogIdentity? identity, KeyRing? keys, TimeProvider time) => Open<IRecord>("Postgres", async () =>
    {
        var record = await PostgresRecord.OpenAsync(logins, marks, identity, keys, time);
        try
        {
            await ClusterTables.Make(logins.Owner);
            return record;
        }
        catch
        {
            await record.DisposeAsync();
            throw;
        }
    }, time);

    /// <inheritdoc cref="Open(PostgresLogins, IRecordMarks, LogIdentity?, KeyRing?, TimeProvider)"/>
    /// <summary>The database of the keys, in the same way.</summary>
    /// <exception cref="KeyStoreException">It is the record's.</exception>
    public static Task<PostgresKeyStore> OpenKeys(string connection, TimeProvider time) => Open("Keys", () => PostgresKeyStore.OpenAsync(connection, time), time);

    /// <param name="name">Of the connection string.</param>
    private static async Task<T> Open<T>(string name, Func<Task<T>> open, TimeProvider time)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await open();
            }
            catch (Exception away) when (away is (RecordUnavailableException and not RecordRewoundException) or NpgsqlException)
            {
                if (Causes(away).Any(cause => cause is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege }))
                    throw new StartFailure(name == "Keys" ? $"The user of ConnectionStrings__Keys may not make the tables that it needs ({away.Message}): let it own the database." : away.Message);
                // Waiting mends neither a password nor a certificate.
                if (Causes(away).Any(cause => cause is AuthenticationException))
                    throw new StartFailure($"{away.Message} It must speak TLS with a certificate that leads to an authority known here: 'Root Certificate=/path/ca.pem' in ConnectionStrings__{name} names one.");
                if (Causes(away).Any(cause => cause is PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification }))
                    throw new StartFailure(away.Message);
                if (time.GetElapsedTime(start) >= Patience)
                    throw new StartFailure($"{away.Message} Start PostgreSQL (deploy/local.sh up starts one on this machine), or mend ConnectionStrings__{name}.");
                await Task.Delay(Pause, time);
            }
        }
    }

    private static IEnumerable<Exception> Causes(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException) yield return cause;
    }
}
