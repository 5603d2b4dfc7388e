using System.Globalization;
using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>The tables and their versions: one script a version, each run once.</summary>
internal static class Migrations
{
    /// <summary>"R1GR": one process at a time looks at the version and raises it.</summary>
    private const long Lock = 0x52314752;

    private const string Folder = "R1Grains.Ledger.Postgres.Migrations.";

    /// <summary>In order; the first makes version 1.</summary>
    private static readonly string[] Scripts = [.. typeof(Migrations).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Folder, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public static int Known => Scripts.Length;

    /// <summary>
    /// The oldest program that may go on beside tables of version <see cref="Known"/>, as it must while a cluster is replaced
    /// process by process, or goes back. A script that only adds leaves it as it is; one that takes away or changes a meaning
    /// raises it to its own version.
    /// </summary>
    private const int Oldest = 3;

    /// <summary>Makes what is missing.</summary>
    /// <exception cref="RecordServerException">The tables are newer than this program.</exception>
    public static async Task RunAsync(Database database, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        if (Require(await VersionAsync(connection, cancellation), database.Address) >= Known)
            return;

        // Before the transaction, which sees only then what the process before made; the connection's end gives it back.
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({Lock})", cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var version = Require(await VersionAsync(connection, cancellation), database.Address);
        if (version == 0)
            await ExecuteAsync(connection, $"CREATE SCHEMA {Database.Schema}; CREATE TABLE {Database.Schema}.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())", cancellation);
        await ExecuteAsync(connection, "ALTER TABLE schema_version ADD COLUMN IF NOT EXISTS oldest integer", cancellation);
        for (; version < Known; version++)
            await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"{Read(Scripts[version])}; INSERT INTO schema_version (version, oldest) VALUES ({version + 1}, {Oldest})"), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <exception cref="RecordServerException">There are no tables, or they are of a version that this program cannot read.</exception>
    public static async Task RequireKnownAsync(NpgsqlConnection connection, string address, CancellationToken cancellation = default)
    {
        if (Require(await VersionAsync(connection, cancellation), address) is var version && version < Known)
            throw new RecordServerException(address, version == 0 ? "the database holds no record. Name the one that does." : $"the record has version {version}, this program knows version {Known}. Start a server of this version once, which raises it.");
    }

    /// <summary>What is newer has said which programs may use it all the same.</summary>
    private static int Require((int Version, int Oldest) found, string address) => found.Version <= Known || found.Oldest <= Known
        ? found.Version
        : throw new RecordServerException(address, $"the record has version {found.Version}, this program knows version {Known}, and it must know version {found.Oldest} at least. Run the version that raised it, or name another database.");

    /// <summary>Zeros when there are no tables. A version that named no oldest program, or was raised before they did, is for its own.</summary>
    private static async Task<(int Version, int Oldest)> VersionAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var exists = new NpgsqlCommand($"SELECT to_regclass('{Database.Schema}.schema_version') IS NOT NULL", connection);
        if (await exists.ExecuteScalarAsync(cancellation) is not true)
            return default;
        await using var version = new NpgsqlCommand($"SELECT version, coalesce((to_jsonb(v) ->> 'oldest')::integer, version) FROM {Database.Schema}.schema_version v ORDER BY version DESC LIMIT 1", connection);
        await using var row = await version.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) ? (row.GetInt32(0), row.GetInt32(1)) : default;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 30 };
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static string Read(string script)
    {
        using var reader = new StreamReader(typeof(Migrations).Assembly.GetManifestResourceStream(script)!);
        return reader.ReadToEnd();
    }
}
