using System.Data.Common;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger.Sqlite;

internal sealed class FileEvidence(SqliteConnection connection) : IEvidence
{
    private readonly Statement _begin = new(connection, "BEGIN");
    private readonly Statement _end = new(connection, "ROLLBACK");
    private readonly Statement _head = new(connection, IEvidence.HeadQuery, 1);
    private readonly Statement _entries = new(connection, IEvidence.EntriesQuery, 1);
    private readonly Statement _pieces = new(connection, IEvidence.PiecesQuery, 1);
    private readonly Statement _administration = new(connection, IEvidence.AdministrationQuery, 1);
    private readonly Statement _records = new(connection, IEvidence.AdministrativeRecordsQuery, 1);
    private readonly Statement _documents = new(connection, IEvidence.DocumentsQuery, 1);

    public bool HoldsRegistry { get; } = RecordFile.Number(connection, "PRAGMA user_version") >= RecordFile.RegistryVersion;

    public void Begin() => _begin.Execute();

    public void End() => _end.Execute();

    public DbDataReader Head(long after) => _head.Query(after);

    public DbDataReader Entries(long conversation) => _entries.Query(conversation);

    public DbDataReader Pieces(long conversation) => _pieces.Query(conversation);

    public DbDataReader Administration(string after) => _administration.Query(after);

    public DbDataReader AdministrativeRecords(string tenant) => _records.Query(tenant);

    public DbDataReader Documents(string tenant) => _documents.Query(tenant);

    public string? FindStrayTenant(string table)
    {
        using var stray = new Statement(connection, $"SELECT tenant FROM {table} WHERE tenant NOT IN (SELECT tenant FROM administration) LIMIT 1");
        return (string?)stray.Scalar();
    }

    public long LastNumber() => RecordFile.Number(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'conversation_head'");

    public long? FindStray(string table)
    {
        using var stray = new Statement(connection, $"SELECT conversation_id FROM {table} WHERE conversation_id NOT IN (SELECT id FROM conversation_head) LIMIT 1");
        return (long?)stray.Scalar();
    }

    public bool IsDamage(Exception failure) => failure is SqliteException { SqliteErrorCode: 1 or 10 or 11 or 26 };

    public void Dispose()
    {
        foreach (var statement in (Statement[])[_begin, _end, _head, _entries, _pieces, _administration, _records, _documents])
            statement.Dispose();
        connection.Dispose();
    }
}
