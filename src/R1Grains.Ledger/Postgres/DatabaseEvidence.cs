using System.Data;
using System.Data.Common;
using Npgsql;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger.Postgres;

/// <summary>A connection serves one reader at a time: the pieces have one of their own, which sees the same moment.</summary>
/// <param name="tenant">Whom the database itself keeps it to; null for a verifier of everything.</param>
internal sealed class DatabaseEvidence(NpgsqlConnection connection, NpgsqlConnection pieces, string? tenant = null) : IEvidence
{
    private const string SetTenant = "SELECT set_config('r1grains.tenant', $1, false)";

    /// <summary>"R1VF", and which tenant: held by the session, so that it ends with whoever verifies.</summary>
    private const string TakePlace = "SELECT pg_try_advisory_lock(x'52315646'::integer, hashtext($1))";

    private const string LeavePlace = "SELECT pg_advisory_unlock(x'52315646'::integer, hashtext($1))";

    /// <summary>Each request counts once: one that leads to a wrong turn is found beside the turn that it opened.</summary>
    private const string HeadQuery = $"""
        SELECT {IEvidence.HeadColumns},
            CASE WHEN r.own <> next_turn - 1 OR r.own <> r.alone THEN 'its turns were opened by ' || next_turn - 1 || ' requests, and ' || r.alone || ' are kept' END
        FROM conversation_head h
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE k.tenant = h.tenant AND k.turn BETWEEN 1 AND h.next_turn - 1) AS own, count(*) AS alone FROM turn_request k WHERE k.conversation_id = h.id
        ) r
        WHERE id > $1 ORDER BY id LIMIT 1
        """;

    private static readonly string EntriesQuery = $"""
        SELECT {Of("e", IEvidence.EntryColumns)}, CASE
            WHEN e.tenant <> h.tenant THEN 'the tenant beside it is ''' || e.tenant || ''''
            WHEN e.time NOT BETWEEN h.first_time AND h.last_time THEN 'its time is not between those that the head names'
            WHEN e.kind = 2 AND r.turn IS DISTINCT FROM e.turn THEN 'its request leads to ' || coalesce('turn ' || r.turn, 'no turn')
        END
        FROM conversation_head h
        JOIN entry e ON e.conversation_id = h.id
        LEFT JOIN turn_request r ON r.conversation_id = h.id AND r.request_id = e.request_id
        WHERE h.id = $1 ORDER BY e.idx
        """;

    private static readonly string PiecesQuery = $"""
        SELECT {Of("p", IEvidence.PieceColumns)}, CASE
            WHEN p.tenant <> h.tenant THEN 'the tenant beside it is ''' || p.tenant || ''''
            WHEN p.time NOT BETWEEN h.first_time AND h.last_time THEN 'its time is not between those that the head names'
        END
        FROM conversation_head h
        JOIN piece p ON p.conversation_id = h.id
        WHERE h.id = $1 ORDER BY p.turn, p.number
        """;

    public static async Task<DatabaseEvidence> OpenAsync(Database database, CancellationToken cancellation)
    {
        var connection = await Migrations.OpenToVerifyAsync(database, cancellation);
        try
        {
            return new DatabaseEvidence(connection, await database.OpenAsync(RecordRole.Verifier, cancellation));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Of one tenant, as the reader of it. Null while somebody else verifies the tenant.</summary>
    /// <exception cref="RecordRewoundException"/>
    /// <exception cref="RecordServerException"/>
    /// <exception cref="NpgsqlException"/>
    public static async Task<DatabaseEvidence?> TakeAsync(Database database, AcknowledgedBatches acknowledged, string tenant, CancellationToken cancellation)
    {
        var connections = new List<NpgsqlConnection>();
        try
        {
            for (var i = 0; i < 2; i++)
            {
                connections.Add(await database.OpenAsync(RecordRole.Reader, cancellation));
                await ScalarAsync(connections[i], SetTenant, tenant, cancellation);
                await acknowledged.RequireAsync(connections[i], cancellation);
            }
            if (await ScalarAsync(connections[0], TakePlace, tenant, cancellation) is true)
                return new DatabaseEvidence(connections[0], connections[1], tenant);
        }
        catch
        {
            connections.ForEach(connection => connection.Dispose());
            throw;
        }
        connections.ForEach(connection => connection.Dispose());
        return null;
    }

    public string? Tenant => tenant;

    public IReadOnlyList<string> TablesOfConversations => ["entry", "piece", "turn_request"];

    public void Begin()
    {
        Execute(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        var moment = (string)Scalar("SELECT pg_export_snapshot()")!;
        Execute(pieces, $"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{moment}'");
    }

    public void End()
    {
        Execute(pieces, "ROLLBACK");
        Execute(connection, "ROLLBACK");
    }

    public DbDataReader Head(long after) => Query(connection, HeadQuery, after);

    public DbDataReader Entries(long conversation) => Query(connection, EntriesQuery, conversation);

    public DbDataReader Pieces(long conversation) => Query(pieces, PiecesQuery, conversation);

    public DbDataReader Administration(string after) => Query(connection, IEvidence.AdministrationQuery, after);

    public DbDataReader AdministrationOf(string tenant) => Query(connection, IEvidence.AdministrationOfQuery, tenant);

    public DbDataReader AdministrativeRecords(string tenant, long first, int limit)
    {
        using var command = new NpgsqlCommand(IEvidence.AdministrativeRecordsQuery, connection) { Parameters = { Values.Of(tenant), Values.Of(first), Values.Of(limit) } };
        return command.ExecuteReader();
    }

    public DbDataReader Documents(string tenant) => Query(connection, IEvidence.DocumentsQuery, tenant);

    public string? FindStrayTenant(string table) =>
        (string?)Scalar($"SELECT tenant FROM {table} r WHERE NOT EXISTS (SELECT 1 FROM administration a WHERE a.tenant = r.tenant) LIMIT 1");

    public DbDataReader Tree(long after) => Query(connection, IEvidence.TreeQuery, after);

    public DbDataReader Places(long conversation) => Query(connection, IEvidence.PlacesQuery, conversation);

    public DbDataReader RetiredMonths()
    {
        using var command = new NpgsqlCommand(IEvidence.RetiredMonthsQuery, connection);
        return command.ExecuteReader();
    }

    public DbDataReader SigningKeys()
    {
        using var command = new NpgsqlCommand(IEvidence.SigningKeysQuery, connection);
        return command.ExecuteReader();
    }

    public T OfCluster<T>(Func<T> read)
    {
        if (tenant is null)
            return read();
        Enter(IRegistry.Cluster);
        try
        {
            return read();
        }
        finally
        {
            // What broke tells itself.
            if (connection.State is ConnectionState.Open)
                Enter(tenant);
        }
    }

    public DbDataReader LeafTiles(long tree, long first, long end) => Query(connection, IEvidence.LeafTilesQuery, tree, first, end);

    public DbDataReader UpperTiles(long tree) => Query(connection, IEvidence.UpperTilesQuery, tree);

    public DbDataReader Leaves(long tree, long first, long end) => Query(pieces, IEvidence.LeavesQuery, tree, first, end);

    public DbDataReader Checkpoints(long tree, long after, long last) => Query(connection, IEvidence.CheckpointsQuery, tree, after, last);

    public long CountLeaves() => (long)Scalar(IEvidence.LeafCountQuery)!;

    public (string Tenant, string What)? FindEntryOutsideTrees(long after, long last) => Outside(Query(connection, """
        SELECT h.tenant, 'entry ' || e.idx || ' of conversation number ' || e.conversation_id
        FROM conversation_head h
        JOIN entry e ON e.conversation_id = h.id
        JOIN sequenced s ON s.writer = e.writer AND e.batch <= s.batch
        LEFT JOIN tree t ON t.tenant = h.tenant
        WHERE h.id > $1 AND h.id <= $2
            AND NOT EXISTS (SELECT 1 FROM leaf l WHERE l.tree = t.id AND l.kind = 1 AND l.owner = e.conversation_id AND l.idx = e.idx)
        LIMIT 1
        """, after, last));

    public (string Tenant, string What)? FindRecordOutsideTrees() => Outside(Query<long>(connection, """
        SELECT r.tenant, 'administrative record ' || r.idx
        FROM sequenced s
        JOIN administrative_record r ON r.writer = s.writer AND r.batch <= s.batch
        LEFT JOIN tree t ON t.tenant = r.tenant
        WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.tree = t.id AND l.kind = 2 AND l.owner = 0 AND l.idx = r.idx)
        LIMIT 1
        """));

    public long LastNumber() => (long)(Scalar("SELECT max(conversations) FROM conversation_count") ?? 0L);

    public long? FindStray(string table) =>
        (long?)Scalar($"SELECT conversation_id FROM {table} r WHERE NOT EXISTS (SELECT 1 FROM conversation_head h WHERE h.id = r.conversation_id) LIMIT 1");

    public bool IsDamage(Exception failure) => failure is PostgresException { SqlState: "XX001" or "XX002" };

    public void Dispose()
    {
        if (tenant is not null)
            Leave(tenant);
        pieces.Dispose();
        connection.Dispose();
    }

    private static (string Tenant, string What)? Outside(NpgsqlDataReader row)
    {
        using (row)
            return row.Read() ? (row.GetString(0), row.GetString(1)) : null;
    }

    /// <summary>Before the session ends, which its server may notice later than whoever comes next.</summary>
    private void Leave(string place)
    {
        try
        {
            Execute(connection, "ROLLBACK");
            using var leave = new NpgsqlCommand(LeavePlace, connection) { Parameters = { Values.Of(place) } };
            leave.ExecuteNonQuery();
        }
        catch (Exception ended) when (ended is NpgsqlException and not PostgresException or InvalidOperationException)
        {
            // With the connection the place is given back, too.
        }
    }

    private void Enter(string of)
    {
        using var enter = new NpgsqlCommand(SetTenant, connection) { Parameters = { Values.Of(of) } };
        enter.ExecuteNonQuery();
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, string value, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { Values.Of(value) } };
        return await command.ExecuteScalarAsync(cancellation);
    }

    private static string Of(string row, string columns) => string.Join(", ", columns.Split(", ").Select(column => $"{row}.{column}"));

    private object? Scalar(string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar() is var value and not DBNull ? value : null;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static NpgsqlDataReader Query<T>(NpgsqlConnection connection, string sql, params ReadOnlySpan<T> values)
    {
        using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command.ExecuteReader();
    }
}
