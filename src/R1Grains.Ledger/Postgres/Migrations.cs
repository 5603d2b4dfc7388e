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

    /// <summary>Makes what is missing.</summary>
    /// <exception cref="RecordServerException">The tables are newer than this program.</exception>
    public static async Task RunAsync(Database database, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        if (await VersionAsync(connection, cancellation) is var version && Require(version, database.Address) == Known)
            return;

        // Before the transaction, which sees only then what the process before made; the connection's end gives it back.
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({Lock})", cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        version = Require(await VersionAsync(connection, cancellation), database.Address);
        if (version == 0)
            await ExecuteAsync(connection, $"CREATE SCHEMA {Database.Schema}; CREATE TABLE {Database.Schema}.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())", cancellation);
        for (; version < Known; version++)
            await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"{Read(Scripts[version])}; INSERT INTO schema_version (version) VALUES ({version + 1})"), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <exception cref="RecordServerException">There are no tables, or they are of another version.</exception>
    public static async Task RequireKnownAsync(NpgsqlConnection connection, string address, CancellationToken cancellation = default)
    {
        if (Require(await VersionAsync(connection, cancellation), address) is var version && version != Known)
            throw new RecordServerException(address, version == 0 ? "the database holds no record. Name the one that does." : $"the record has version {version}, this program knows version {Known}. Start a server of this version once, which raises it.");
    }

    private static int Require(int version, string address) => version <= Known
        ? version
        : throw new RecordServerException(address, $"the record has version {version}, this program knows version {Known}. Run the version that raised it, or name another database.");

    /// <summary>0 when there are no tables.</summary>
    private static async Task<int> VersionAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var exists = new NpgsqlCommand($"SELECT to_regclass('{Database.Schema}.schema_version') IS NOT NULL", connection);
        if (await exists.ExecuteScalarAsync(cancellation) is not true)
            return 0;
        await using var version = new NpgsqlCommand($"SELECT max(version) FROM {Database.Schema}.schema_version", connection);
        return await version.ExecuteScalarAsync(cancellation) as int? ?? 0;
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
