using System.Data.Common;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger.Sqlite;

internal sealed class FileEvidence(SqliteConnection connection) : IEvidence
{
    private readonly Statement _begin = new(connection, "BEGIN");
    private readonly Statement _end = new(connection, "ROLLBACK");
    private readonly Statement _head = new(connection, $"SELECT {IEvidence.HeadColumns}, NULL FROM conversation_head WHERE id > $1 ORDER BY id LIMIT 1", 1);
    private readonly Statement _entries = new(connection, $"SELECT {IEvidence.EntryColumns}, NULL FROM entry WHERE conversation_id = $1 ORDER BY idx", 1);
    private readonly Statement _pieces = new(connection, $"SELECT {IEvidence.PieceColumns}, NULL FROM piece WHERE conversation_id = $1 ORDER BY turn, number", 1);
    private readonly Statement _administration = new(connection, IEvidence.AdministrationQuery, 1);
    private readonly Statement _records = new(connection, IEvidence.AdministrativeRecordsQuery, 1);
    private readonly Statement _documents = new(connection, IEvidence.DocumentsQuery, 1);
    private readonly Statement _tree = new(connection, IEvidence.TreeQuery, 1);
    private readonly Statement _places = new(connection, IEvidence.PlacesQuery, 1);
    private readonly Statement _retiredMonths = new(connection, IEvidence.RetiredMonthsQuery);
    private readonly Statement _signingKeys = new(connection, IEvidence.SigningKeysQuery);
    private readonly Statement _tiles = new(connection, IEvidence.TilesQuery, 1);
    private readonly Statement _leaves = new(connection, IEvidence.LeavesQuery, 1);
    private readonly Statement _checkpoints = new(connection, IEvidence.CheckpointsQuery, 1);

    public IReadOnlyList<string> TablesOfConversations => ["entry", "piece"];

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

    public DbDataReader Tree(long after) => _tree.Query(after);

    public DbDataReader Places(long conversation) => _places.Query(conversation);

    public DbDataReader RetiredMonths() => _retiredMonths.Query();

    public DbDataReader SigningKeys() => _signingKeys.Query();

    public DbDataReader Tiles(long tree) => _tiles.Query(tree);

    public DbDataReader Leaves(long tree) => _leaves.Query(tree);

    public DbDataReader Checkpoints(long tree) => _checkpoints.Query(tree);

    public (string Tenant, string What)? FindOutsideTrees()
    {
        using var outside = new Statement(connection, """
            SELECT h.tenant, 'entry ' || e.idx || ' of conversation number ' || e.conversation_id
            FROM entry e JOIN conversation_head h ON h.id = e.conversation_id
            WHERE NOT EXISTS (SELECT 1 FROM tree t JOIN leaf l ON l.tree = t.id AND l.kind = 1 AND l.owner = e.conversation_id AND l.idx = e.idx WHERE t.tenant = h.tenant)
            UNION ALL
            SELECT r.tenant, 'administrative record ' || r.idx
            FROM administrative_record r
            WHERE NOT EXISTS (SELECT 1 FROM tree t JOIN leaf l ON l.tree = t.id AND l.kind = 2 AND l.owner = 0 AND l.idx = r.idx WHERE t.tenant = r.tenant)
            LIMIT 1
            """);
        using var row = outside.Query();
        return row.Read() ? (row.GetString(0), row.GetString(1)) : null;
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
        foreach (var statement in (Statement[])[_begin, _end, _head, _entries, _pieces, _administration, _records, _documents, _tree, _places, _retiredMonths, _signingKeys, _tiles, _leaves, _checkpoints])
            statement.Dispose();
        connection.Dispose();
    }
}
