using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using R1Grains.Operations;

namespace R1Grains.Cluster;

/// <summary>The cluster's own tables in the record's database, in a schema apart from it: nothing in them is evidence.</summary>
internal static partial class ClusterTables
{
    public const string Schema = "r1cluster";

    /// <summary>The tables' version.</summary>
    private const int Version = 1;

    /// <summary>
    /// The oldest program that may go on beside tables of this version, as it must while a cluster is replaced process by
    /// process, or goes back. Raised only when the script takes away or changes a meaning.
    /// </summary>
    private const int Oldest = 1;

    /// <summary>"R1CT": one process at a time makes them.</summary>
    private const long Lock = 0x52314354;

    /// <summary>As long as the record waits for its server.</summary>
    private const int TimeoutSeconds = 3;

    /// <summary>The connection string whose unqualified names are these tables; of several hosts the primary is asked, whichever that is by now.</summary>
    public static string Connection(string postgres)
    {
        var settings = new NpgsqlConnectionStringBuilder(postgres) { SearchPath = Schema, ApplicationName = "r1grains cluster", MaxPoolSize = 20, Timeout = TimeoutSeconds, CommandTimeout = TimeoutSeconds };
        if (settings.Host?.Contains(',', StringComparison.Ordinal) is true)
            (settings.TargetSessionAttributes, settings.HostRecheckSeconds) = ("primary", 0);
        return settings.ToString();
    }

    /// <summary>As the record's owner, for its writers.</summary>
    /// <param name="postgres">Connection string of a login that may be the record's owner, where there is anything to make.</param>
    /// <exception cref="StartFailure">They were made by a newer program, and are not for this one; or are missing, and the login may not make them.</exception>
    public static async Task Make(string postgres)
    {
        // A data source of several hosts would not take a connection string that says which one.
        await using var connection = new NpgsqlConnection(Connection(postgres));
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Execute($"SELECT pg_advisory_xact_lock({Lock})");
        var (found, oldest) = await Found();
        if (found > Version && oldest > Version)
            throw new StartFailure($"The tables of schema {Schema} in ConnectionStrings__Postgres have version {found}, this program knows version {Version}, and it must know version {oldest} at least: start the version that made them, or a newer one.");
        // Asked first, so that a user who may not create anything can start where everything is there.
        if (found >= Version) return;
        await TakeOwner();
        if (found == 0) await Execute($"CREATE SCHEMA IF NOT EXISTS {Schema}");
        await Execute(Script());
        await Execute($"GRANT USAGE ON SCHEMA {Schema} TO {Role("writer")}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {Schema} TO {Role("writer")}");
        await Execute($"COMMENT ON SCHEMA {Schema} IS '{Version}, for {Oldest} and later'");
        await transaction.CommitAsync();

        // The schema's comment holds both.
        async Task<(int Version, int Oldest)> Found()
        {
            await using var command = new NpgsqlCommand($"SELECT obj_description(to_regnamespace('{Schema}'), 'pg_namespace')", connection);
            if (await command.ExecuteScalarAsync() is not string text) return default;
            return Comment().Match(text) is { Success: true, Groups: var groups }
                ? (Number(groups[1]), groups[2].Success ? Number(groups[2]) : Number(groups[1]))
                : throw new StartFailure($"Schema {Schema} in ConnectionStrings__Postgres has the comment '{text}', which names no version of the cluster's tables: name another database, or write the comment back.");
        }

        string Role(string name) => $"\"{connection.Database.Replace("\"", "\"\"", StringComparison.Ordinal)}_{name}\"";

        async Task TakeOwner()
        {
            try
            {
                await Execute($"SET LOCAL ROLE {Role("owner")}");
            }
            catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.InsufficientPrivilege)
            {
                throw new StartFailure($"The tables of schema {Schema} in ConnectionStrings__Postgres are {(found == 0 ? "missing" : $"of version {found}, this program makes it {Version}")}, and its user is no member of {Role("owner")}: let one who is make them once, as ConnectionStrings__PostgresOwner.");
            }
        }

        static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

        async Task Execute(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    [GeneratedRegex(@"^(\d{1,9})(?:, for (\d{1,9}) and later)?$")]
    private static partial Regex Comment();

    private static string Script()
    {
        using var reader = new StreamReader(typeof(ClusterTables).Assembly.GetManifestResourceStream("R1Grains.Cluster.ClusterTables.sql")!);
        return reader.ReadToEnd();
    }
}
