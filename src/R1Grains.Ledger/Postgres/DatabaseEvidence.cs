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

    public bool HoldsRegistry => true;

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
