using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>The tables and their versions: one script a version, each run once.</summary>
internal static partial class Migrations
{
    /// <summary>"R1GR": one process at a time looks at the version and raises it.</summary>
    private const long Lock = 0x52314752;

    private const string Folder = "R1Grains.Ledger.Postgres.Migrations.";

    /// <summary>By the version that each makes, which its name begins with.</summary>
    private static readonly SortedList<int, string> Scripts = new(typeof(Migrations).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
        .ToDictionary(name => int.Parse(name.AsSpan(Folder.Length, 3), NumberStyles.None, CultureInfo.InvariantCulture)));

    public static int Known => Scripts.GetKeyAtIndex(Scripts.Count - 1);

    /// <summary>What the first script makes. Tables of earlier versions held what was never released.</summary>
    public static int First => Scripts.GetKeyAtIndex(0);

    /// <summary>
    /// The oldest program that may go on beside tables of version <see cref="Known"/>, as it must while a cluster is replaced
    /// process by process, or goes back. A script that only adds leaves it as it is; one that takes away or changes a meaning
    /// raises it to its own version.
    /// </summary>
    private const int Oldest = 10;

    /// <summary>Makes what is missing, as the owner.</summary>
    /// <exception cref="RecordServerException">The tables are newer than this program, or older than those that it can raise; or the login may not make them.</exception>
    public static async Task RunAsync(Database database, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(null, cancellation);
        if (Require(await VersionAsync(connection, cancellation), database.Address) >= Known)
            return;

        // Before the transaction, which sees only then what the process before made; the connection's end gives it back.
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({Lock})", cancellation);
        var version = Require(await VersionAsync(connection, cancellation), database.Address);
        if (version >= Known)
            return;
        await RecordRoles.RequireAsync(connection, database.Address, cancellation);
        if (!await RecordRoles.MayTakeAsync(connection, RecordRole.Owner, cancellation))
            throw new RecordServerException(database.Address, $"{(version == 0 ? "the tables of the record are missing" : $"the record has version {version}, this program makes it {Known}")}, and user '{connection.UserName}' is no member of {connection.Database}_owner. Let one who is make them once.");
        await RecordRoles.TakeAsync(connection, RecordRole.Owner, database.Address, cancellation);

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (version == 0)
            await ExecuteAsync(connection, $"CREATE SCHEMA {Database.Schema}; CREATE TABLE {Database.Schema}.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now(), oldest integer)", cancellation);
        foreach (var (next, script) in Scripts.Where(script => script.Key > version))
            await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"{Read(script, connection.Database)}; INSERT INTO schema_version (version, oldest) VALUES ({next}, {Oldest})"), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>As a verifier, who sees everything: to see a part only would look as if the rest were missing.</summary>
    /// <exception cref="RecordServerException">There are no tables, or they are of a version that this program cannot read; or the login may not verify.</exception>
    /// <exception cref="NpgsqlException"/>
    public static async Task<NpgsqlConnection> OpenToVerifyAsync(Database database, CancellationToken cancellation = default)
    {
        var connection = await database.OpenAsync(null, cancellation);
        try
        {
            if (Require(await VersionAsync(connection, cancellation), database.Address) is var version && version < Known)
                throw new RecordServerException(database.Address, version == 0 ? "the database holds no record. Name the one that does." : $"the record has version {version}, this program knows version {Known}. Start a server of this version once, which raises it.");
            await RecordRoles.TakeAsync(connection, RecordRole.Verifier, database.Address, cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>What is newer has said which programs may use it all the same.</summary>
    private static int Require((int Version, int Oldest) found, string address) => found switch
    {
        { Version: > 0 } when found.Version < First => throw new RecordServerException(address, $"the record has version {found.Version}, and this program knows versions {First} to {Known}: it is of a program before the first release. Name an empty database."),
        _ when found.Version > Known && found.Oldest > Known => throw new RecordServerException(address, $"the record has version {found.Version}, this program knows version {Known}, and it must know version {found.Oldest} at least. Run the version that raised it, or name another database."),
        _ => found.Version,
    };

    /// <summary>Zeros when there are no tables. A version that named no oldest program, or was raised before they did, is for its own.</summary>
    private static async Task<(int Version, int Oldest)> VersionAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // Whoever may not look into the schema is told so by the next question, and not that there is nothing.
        await using var exists = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = '{Database.Schema}' AND tablename = 'schema_version')", connection);
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

    /// <summary>With the roles' names, as quoted identifiers, for <c>:"writer"</c> and the like.</summary>
    private static string Read(string script, string database)
    {
        using var reader = new StreamReader(typeof(Migrations).Assembly.GetManifestResourceStream(script)!);
        return RoleName().Replace(reader.ReadToEnd(), role => $"\"{database.Replace("\"", "\"\"", StringComparison.Ordinal)}_{role.Groups[1].Value}\"");
    }

    [GeneratedRegex(":\"([a-z]+)\"")]
    private static partial Regex RoleName();
}
