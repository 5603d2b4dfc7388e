using System.Runtime.CompilerServices;
using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Postgres;

namespace R1Grains.Ledger.Keys;

/// <summary>Keys in a PostgreSQL database of their own, which all processes of a cluster reach. It must not be the record's.</summary>
public sealed class PostgresKeyStore : IKeyStore
{
    internal const string Schema = "r1keys";

    private const int Version = 1;

    /// <summary>"R1KY": one process at a time makes the tables.</summary>
    private const long Lock = 0x52314B59;

    private const string Tables = $"""
        CREATE SCHEMA {Schema};
        CREATE TABLE {Schema}.schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now());
        CREATE TABLE {Schema}.key (
            tenant text COLLATE "C" NOT NULL,
            name text COLLATE "C" NOT NULL,
            -- Null where it was destroyed.
            wrapped bytea,
            PRIMARY KEY (tenant, name)
        );
        -- Announcements are numbered from here and not from a sequence: they become visible in their order, without gaps.
        CREATE TABLE {Schema}.announcement_count (announcements bigint NOT NULL) WITH (fillfactor = 10);
        INSERT INTO {Schema}.announcement_count VALUES (0);
        CREATE TABLE {Schema}.announcement (number bigint PRIMARY KEY, names bytea NOT NULL);
        INSERT INTO {Schema}.schema_version (version) VALUES (1);
        """;

    /// <summary>Rows are locked in the order of their names, here and where they are destroyed, so that nobody waits for each other.</summary>
    private const string Replace = $"""
        WITH held AS MATERIALIZED (
            SELECT k.tenant, k.name, r.wrapped
            FROM {Schema}.key k JOIN unnest($1, $2, $3, $4) AS r (tenant, name, before, wrapped) ON k.tenant = r.tenant AND k.name = r.name AND k.wrapped = r.before
            ORDER BY k.tenant, k.name FOR UPDATE OF k
        )
        UPDATE {Schema}.key SET wrapped = held.wrapped FROM held WHERE key.tenant = held.tenant AND key.name = held.name
        """;

    private const string Destroy = $"""
        INSERT INTO {Schema}.key (tenant, name, wrapped) SELECT tenant, name, NULL FROM unnest($1, $2) AS k (tenant, name) ORDER BY tenant COLLATE "C", name COLLATE "C"
        ON CONFLICT (tenant, name) DO UPDATE SET wrapped = NULL
        """;

    private const string Announce = $"""
        WITH counted AS (UPDATE {Schema}.announcement_count SET announcements = announcements + 1 RETURNING announcements)
        INSERT INTO {Schema}.announcement (number, names) SELECT announcements, $1 FROM counted
        """;

    private readonly Database _database;
    private readonly NpgsqlDataSource _source;
    private readonly Patience _patience;

    private PostgresKeyStore(Database database, NpgsqlDataSource source, Patience patience) => (_database, _source, _patience) = (database, source, patience);

    public string Place => $"PostgreSQL at {_database.Address}";

    /// <summary>Makes the tables where missing.</summary>
    /// <param name="connectionString">As Npgsql reads it; the user owns the tables, and nobody else may read them.</param>
    /// <exception cref="KeyStoreException">It is the record's database, or of another version.</exception>
    /// <exception cref="RecordServerException">The server is set so that it may lose what it acknowledged.</exception>
    /// <exception cref="RecordUnavailableException">It could not be reached for a quarter of a minute.</exception>
    public static async Task<PostgresKeyStore> OpenAsync(string connectionString, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        var database = Database.ToWrite(connectionString);
        try
        {
            await Patience.AtStart(database.Address, time).Try(async () =>
            {
                await using var connection = await database.OpenAsync(role: null, cancellation);
                await MakeAsync(connection, $"PostgreSQL at {database.Address}", cancellation);
                return true;
            }, cancellation);
            return new PostgresKeyStore(database, database.Pooled(), new Patience(database.Address, time));
        }
        catch (NpgsqlException failure)
        {
            await database.DisposeAsync();
            throw Outage.Translate(failure, database.Address);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    public Task<StoredKey?> FindAsync(KeyName name, CancellationToken cancellation = default) => Try(connection => FindAsync(connection, name, cancellation), cancellation);

    public Task<StoredKey> AddAsync(KeyName name, byte[] wrapped, CancellationToken cancellation = default) => Try(async connection =>
    {
        await using var insert = Command(connection, $"INSERT INTO {Schema}.key (tenant, name, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", name.Tenant, name.Name, wrapped);
        return await insert.ExecuteNonQueryAsync(cancellation) == 1 ? new StoredKey(wrapped) : (await FindAsync(connection, name, cancellation))!;
    }, cancellation);

    public Task<int> ReplaceAsync(IReadOnlyList<KeyReplacement> replacements, CancellationToken cancellation = default) => Try(async connection =>
    {
        await using var update = Command(
            connection, Replace,
            replacements.Select(one => one.Name.Tenant).ToArray(), replacements.Select(one => one.Name.Name).ToArray(),
            replacements.Select(one => one.Before).ToArray(), replacements.Select(one => one.Wrapped).ToArray());
        return await update.ExecuteNonQueryAsync(cancellation);
    }, cancellation);

    public Task DestroyAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default) => Try(async connection =>
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var destroy = Command(connection, Destroy, names.Select(name => name.Tenant).ToArray(), names.Select(name => name.Name).ToArray()))
            await destroy.ExecuteNonQueryAsync(cancellation);
        await using (var announce = Command(connection, Announce, Encode(names)))
            await announce.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }, cancellation);

    public Task AnnounceAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default) => Try(async connection =>
    {
        await using var announce = Command(connection, Announce, Encode(names));
        return await announce.ExecuteNonQueryAsync(cancellation);
    }, cancellation);

    public Task<IReadOnlyList<KeyAnnouncement>> ListAnnouncementsAsync(long after, CancellationToken cancellation = default) => Try<IReadOnlyList<KeyAnnouncement>>(async connection =>
    {
        var announcements = new List<KeyAnnouncement>();
        await using var select = Command(connection, $"SELECT number, names FROM {Schema}.announcement WHERE number >= $1 ORDER BY number", Math.Max(1, after));
        await using var row = await select.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
            announcements.Add(new(row.GetInt64(0), Decode(row.GetFieldValue<byte[]>(1))));
        // An older copy of the database has forgotten what was destroyed.
        if (after > 0 && announcements.FirstOrDefault()?.Number != after)
            throw new RecordUnavailableException($"The keys of the record in {Place} cannot be used: announcement {after} was seen and is not there any more, so an older copy of the keys is. Restore the newer one.");
        return after > 0 ? announcements[1..] : announcements;
    }, cancellation);

    public Task<long> LastAnnouncementAsync(CancellationToken cancellation = default) => Try(async connection =>
    {
        await using var select = Command(connection, $"SELECT announcements FROM {Schema}.announcement_count");
        return (long)(await select.ExecuteScalarAsync(cancellation))!;
    }, cancellation);

    public async IAsyncEnumerable<(KeyName Name, StoredKey Key)> ListAsync(string tenant, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        const int page = 1_000;
        List<(KeyName Name, StoredKey Key)> keys = [];
        do
        {
            var after = keys.Count == 0 ? "" : keys[^1].Name.Name;
            keys = await Try(async connection =>
            {
                var found = new List<(KeyName, StoredKey)>();
                await using var select = Command(connection, $"SELECT name, wrapped FROM {Schema}.key WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3", tenant, after, page);
                await using var row = await select.ExecuteReaderAsync(cancellation);
                while (await row.ReadAsync(cancellation))
                    found.Add((new KeyName(tenant, row.GetString(0)), Read(row, 1)));
                return found;
            }, cancellation);
            foreach (var key in keys)
                yield return key;
        }
        while (keys.Count == page);
    }

    public Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellation = default) => Try<IReadOnlyList<string>>(async connection =>
    {
        var tenants = new List<string>();
        await using var select = Command(connection, $"SELECT DISTINCT tenant FROM {Schema}.key WHERE name LIKE 'tenant-%' ORDER BY tenant");
        await using var row = await select.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
            tenants.Add(row.GetString(0));
        return tenants;
    }, cancellation);

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static async Task MakeAsync(NpgsqlConnection connection, string place, CancellationToken cancellation)
    {
        await using (var hold = new NpgsqlCommand($"SELECT pg_advisory_lock({Lock})", connection))
            await hold.ExecuteNonQueryAsync(cancellation);
        await using (var record = new NpgsqlCommand($"SELECT to_regnamespace('{Database.Schema}') IS NOT NULL", connection))
        {
            if (await record.ExecuteScalarAsync(cancellation) is true)
                throw new KeyStoreException(place, "the database holds a record. What is erased is erased by its key alone, so keys lie in a database of their own, with backups that do not live long: name another one.");
        }
        await using (var exists = new NpgsqlCommand($"SELECT to_regclass('{Schema}.schema_version') IS NOT NULL", connection))
        {
            if (await exists.ExecuteScalarAsync(cancellation) is not true)
            {
                await using var make = new NpgsqlCommand($"BEGIN; {Tables} COMMIT", connection);
                await make.ExecuteNonQueryAsync(cancellation);
            }
        }
        await using var version = new NpgsqlCommand($"SELECT max(version) FROM {Schema}.schema_version", connection);
        if (await version.ExecuteScalarAsync(cancellation) is var found && found is not Version)
            throw new KeyStoreException(place, $"it has version {found}, this program knows version {Version}. Run the version that made it.");
    }

    private static async Task<StoredKey?> FindAsync(NpgsqlConnection connection, KeyName name, CancellationToken cancellation)
    {
        await using var select = Command(connection, $"SELECT wrapped FROM {Schema}.key WHERE tenant = $1 AND name = $2", name.Tenant, name.Name);
        await using var row = await select.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) ? Read(row, 0) : null;
    }

    private static StoredKey Read(NpgsqlDataReader row, int column) => new(row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column));

    private static byte[] Encode(IReadOnlyList<KeyName> names) => new ByteWriter().List(names, (writer, name) => writer.String(name.Tenant).String(name.Name)).ToArray();

    private static KeyName[] Decode(byte[] names) => new ByteReader(names).List((ref ByteReader name) => new KeyName(name.String(), name.String()));

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }

    /// <summary>Again where the server restarts: each call may be made twice.</summary>
    private async Task<T> Try<T>(Func<NpgsqlConnection, Task<T>> act, CancellationToken cancellation)
    {
        try
        {
            return await _patience.Try(async () =>
            {
                await using var connection = await _source.OpenConnectionAsync(cancellation);
                return await act(connection);
            }, cancellation);
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or RecordUnavailableException))
        {
            throw Outage.Translate(failure, _database.Address);
        }
    }
}
