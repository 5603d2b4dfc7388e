using System.Globalization;
using Npgsql;
using R1Grains.Operations;

namespace R1Grains.Cluster;

/// <summary>The cluster's own tables in the record's database, in a schema apart from it: nothing in them is evidence.</summary>
internal static class ClusterTables
{
    public const string Schema = "r1cluster";

    /// <summary>The tables' version, kept as the schema's comment. Scripts only add, so that a rolling upgrade goes on beside them.</summary>
    private const int Version = 1;

    /// <summary>"R1CT": one process at a time makes them.</summary>
    private const long Lock = 0x52314354;

    /// <summary>As long as the record waits for its server.</summary>
    private const int TimeoutSeconds = 3;

    /// <summary>The connection string whose unqualified names are these tables.</summary>
    public static string Connection(string postgres) => new NpgsqlConnectionStringBuilder(postgres) { SearchPath = Schema, ApplicationName = "r1grains cluster", MaxPoolSize = 20, Timeout = TimeoutSeconds, CommandTimeout = TimeoutSeconds }.ToString();

    /// <exception cref="StartFailure">They were made by a newer program.</exception>
    public static async Task Make(string postgres)
    {
        await using var source = NpgsqlDataSource.Create(Connection(postgres));
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Execute($"SELECT pg_advisory_xact_lock({Lock})");
        var version = await Found();
        if (version > Version)
            throw new StartFailure($"The tables of schema {Schema} in ConnectionStrings__Postgres have version {version}, this program knows version {Version}: start the version that made them, or a newer one.");
        // Asked first, so that a user who may not create anything can start where everything is there.
        if (version == Version) return;
        if (version == 0) await Execute($"CREATE SCHEMA IF NOT EXISTS {Schema}");
        await Execute(Script());
        await Execute($"COMMENT ON SCHEMA {Schema} IS '{Version}'");
        await transaction.CommitAsync();

        async Task<int> Found()
        {
            await using var command = new NpgsqlCommand($"SELECT obj_description(to_regnamespace('{Schema}'), 'pg_namespace')", connection);
            return await command.ExecuteScalarAsync() is string text ? int.Parse(text, CultureInfo.InvariantCulture) : 0;
        }

        async Task Execute(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static string Script()
    {
        using var reader = new StreamReader(typeof(ClusterTables).Assembly.GetManifestResourceStream("R1Grains.Cluster.ClusterTables.sql")!);
        return reader.ReadToEnd();
    }
}
