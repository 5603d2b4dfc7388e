using System.Data.Common;
using Npgsql;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger.Postgres;

/// <summary>A connection serves one reader at a time: the pieces have one of their own, which sees the same moment.</summary>
internal sealed class DatabaseEvidence(NpgsqlConnection connection, NpgsqlConnection pieces) : IEvidence
{
    public static async Task<DatabaseEvidence> OpenAsync(Database database, CancellationToken cancellation)
    {
        var connection = await database.OpenAsync(cancellation);
        try
        {
            await Migrations.RequireKnownAsync(connection, database.Address, cancellation);
            return new DatabaseEvidence(connection, await database.OpenAsync(cancellation));
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

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

    public DbDataReader Head(long after) => Query(connection, IEvidence.HeadQuery, after);

    public DbDataReader Entries(long conversation) => Query(connection, IEvidence.EntriesQuery, conversation);

    public DbDataReader Pieces(long conversation) => Query(pieces, IEvidence.PiecesQuery, conversation);

    public DbDataReader Administration(string after) => Query(connection, IEvidence.AdministrationQuery, after);

    public DbDataReader AdministrativeRecords(string tenant) => Query(connection, IEvidence.AdministrativeRecordsQuery, tenant);

    public DbDataReader Documents(string tenant) => Query(connection, IEvidence.DocumentsQuery, tenant);

    public string? FindStrayTenant(string table) =>
        (string?)Scalar($"SELECT tenant FROM {table} r WHERE NOT EXISTS (SELECT 1 FROM administration a WHERE a.tenant = r.tenant) LIMIT 1");

    public DbDataReader Tree(long after) => Query(connection, IEvidence.TreeQuery, after);

    public DbDataReader Tiles(long tree) => Query(connection, IEvidence.TilesQuery, tree);

    public DbDataReader Leaves(long tree) => Query(pieces, IEvidence.LeavesQuery, tree);

    public DbDataReader Checkpoints(long tree) => Query(connection, IEvidence.CheckpointsQuery, tree);

    public (string Tenant, string What)? FindOutsideTrees()
    {
        using var outside = new NpgsqlCommand("""
            SELECT h.tenant, 'entry ' || e.idx || ' of conversation number ' || e.conversation_id
            FROM sequenced s
            JOIN entry e ON e.writer = s.writer AND e.batch <= s.batch
            JOIN conversation_head h ON h.id = e.conversation_id
            LEFT JOIN tree t ON t.tenant = h.tenant
            WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.tree = t.id AND l.kind = 1 AND l.owner = e.conversation_id AND l.idx = e.idx)
            UNION ALL
            SELECT r.tenant, 'administrative record ' || r.idx
            FROM sequenced s
            JOIN administrative_record r ON r.writer = s.writer AND r.batch <= s.batch
            LEFT JOIN tree t ON t.tenant = r.tenant
            WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.tree = t.id AND l.kind = 2 AND l.owner = 0 AND l.idx = r.idx)
            LIMIT 1
            """, connection);
        using var row = outside.ExecuteReader();
        return row.Read() ? (row.GetString(0), row.GetString(1)) : null;
    }

    public long LastNumber() => (long)(Scalar("SELECT max(conversations) FROM conversation_count") ?? 0L);

    public long? FindStray(string table) =>
        (long?)Scalar($"SELECT conversation_id FROM {table} r WHERE NOT EXISTS (SELECT 1 FROM conversation_head h WHERE h.id = r.conversation_id) LIMIT 1");

    public bool IsDamage(Exception failure) => failure is PostgresException { SqlState: "XX001" or "XX002" };

    public void Dispose()
    {
        pieces.Dispose();
        connection.Dispose();
    }

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

    private static NpgsqlDataReader Query<T>(NpgsqlConnection connection, string sql, T value)
    {
        var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command.ExecuteReader();
    }
}
