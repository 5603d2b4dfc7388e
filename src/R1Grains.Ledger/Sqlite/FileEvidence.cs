using System.Data.Common;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger.Sqlite;

internal sealed class FileEvidence : IEvidence
{
    /// <summary>
    /// Before the tables, whose names these take for this connection: the rows of one tenant alone, as the policies of a database
    /// show them to its reader. What has no tenant of its own is found by what has one.
    /// </summary>
    private const string Extent = """
        CREATE TEMP TABLE extent (tenant TEXT NOT NULL);
        INSERT INTO extent VALUES ($1);
        CREATE TEMP VIEW conversation_head AS SELECT * FROM main.conversation_head WHERE tenant = (SELECT tenant FROM extent);
        CREATE TEMP VIEW administration AS SELECT * FROM main.administration WHERE tenant = (SELECT tenant FROM extent);
        CREATE TEMP VIEW administrative_record AS SELECT * FROM main.administrative_record WHERE tenant = (SELECT tenant FROM extent);
        CREATE TEMP VIEW document AS SELECT * FROM main.document WHERE tenant = (SELECT tenant FROM extent);
        CREATE TEMP VIEW tree AS SELECT * FROM main.tree WHERE tenant = (SELECT tenant FROM extent);
        """;

    private readonly SqliteConnection _connection;
    private readonly List<Statement> _statements = [];
    private readonly Statement _begin;
    private readonly Statement _end;
    private readonly Statement _head;
    private readonly Statement _entries;
    private readonly Statement _pieces;
    private readonly Statement _administration;
    private readonly Statement _administrationOf;
    private readonly Statement _records;
    private readonly Statement _documents;
    private readonly Statement _tree;
    private readonly Statement _places;
    private readonly Statement _retiredMonths;
    private readonly Statement _signingKeys;
    private readonly Statement _leafTiles;
    private readonly Statement _upperTiles;
    private readonly Statement _leaves;
    private readonly Statement _checkpoints;

    /// <param name="connection">Is disposed of with it.</param>
    /// <param name="tenant">Whose rows alone there are; null for those of all.</param>
    public FileEvidence(SqliteConnection connection, string? tenant = null)
    {
        (_connection, Tenant) = (connection, tenant);
        if (tenant is not null)
        {
            using var extent = Prepared(Extent, 1);
            extent.Execute(tenant);
        }
        _begin = Kept("BEGIN");
        _end = Kept("ROLLBACK");
        _head = Kept($"SELECT {IEvidence.HeadColumns}, NULL FROM conversation_head WHERE id > $1 ORDER BY id LIMIT 1", 1);
        _entries = Kept($"SELECT {IEvidence.EntryColumns}, NULL FROM entry WHERE conversation_id = $1 ORDER BY idx", 1);
        _pieces = Kept($"SELECT {IEvidence.PieceColumns}, NULL FROM piece WHERE conversation_id = $1 ORDER BY turn, number", 1);
        _administration = Kept(IEvidence.AdministrationQuery, 1);
        _administrationOf = Kept(IEvidence.AdministrationOfQuery, 1);
        _records = Kept(IEvidence.AdministrativeRecordsQuery, 3);
        _documents = Kept(IEvidence.DocumentsQuery, 1);
        _tree = Kept(IEvidence.TreeQuery, 1);
        _places = Kept(IEvidence.PlacesQuery, 1);
        _retiredMonths = Kept(IEvidence.RetiredMonthsQuery);
        _signingKeys = Kept(IEvidence.SigningKeysQuery);
        _leafTiles = Kept(IEvidence.LeafTilesQuery, 3);
        _upperTiles = Kept(IEvidence.UpperTilesQuery, 1);
        _leaves = Kept(IEvidence.LeavesQuery, 3);
        _checkpoints = Kept(IEvidence.CheckpointsQuery, 3);
    }

    public string? Tenant { get; }

    public IReadOnlyList<string> TablesOfConversations => ["entry", "piece"];

    public void Begin() => _begin.Execute();

    public void End() => _end.Execute();

    public DbDataReader Head(long after) => _head.Query(after);

    public DbDataReader Entries(long conversation) => _entries.Query(conversation);

    public DbDataReader Pieces(long conversation) => _pieces.Query(conversation);

    public DbDataReader Administration(string after) => _administration.Query(after);

    public DbDataReader AdministrationOf(string tenant) => _administrationOf.Query(tenant);

    public DbDataReader AdministrativeRecords(string tenant, long first, int limit) => _records.Query(tenant, first, limit);

    public DbDataReader Documents(string tenant) => _documents.Query(tenant);

    public string? FindStrayTenant(string table)
    {
        using var stray = Prepared($"SELECT tenant FROM {table} WHERE tenant NOT IN (SELECT tenant FROM administration) LIMIT 1");
        return (string?)stray.Scalar();
    }

    public DbDataReader Tree(long after) => _tree.Query(after);

    public DbDataReader Places(long conversation) => _places.Query(conversation);

    public DbDataReader RetiredMonths() => _retiredMonths.Query();

    public DbDataReader SigningKeys() => _signingKeys.Query();

    public T OfCluster<T>(Func<T> read)
    {
        if (Tenant is null)
            return read();
        Enter(IRegistry.Cluster);
        try
        {
            return read();
        }
        finally
        {
            Enter(Tenant);
        }
    }

    public DbDataReader LeafTiles(long tree, long first, long end) => _leafTiles.Query(tree, first, end);

    public DbDataReader UpperTiles(long tree) => _upperTiles.Query(tree);

    public DbDataReader Leaves(long tree, long first, long end) => _leaves.Query(tree, first, end);

    public DbDataReader Checkpoints(long tree, long after, long last) => _checkpoints.Query(tree, after, last);

    public long CountLeaves()
    {
        using var count = Prepared(IEvidence.LeafCountQuery);
        return (long)count.Scalar()!;
    }

    public (string Tenant, string What)? FindEntryOutsideTrees(long after, long last)
    {
        using var outside = Prepared("""
            SELECT h.tenant, 'entry ' || e.idx || ' of conversation number ' || e.conversation_id
            FROM conversation_head h JOIN entry e ON e.conversation_id = h.id
            WHERE h.id > $1 AND h.id <= $2
                AND NOT EXISTS (SELECT 1 FROM tree t JOIN leaf l ON l.tree = t.id AND l.kind = 1 AND l.owner = e.conversation_id AND l.idx = e.idx WHERE t.tenant = h.tenant)
            LIMIT 1
            """, 2);
        return Outside(outside.Query(after, last));
    }

    public (string Tenant, string What)? FindRecordOutsideTrees()
    {
        using var outside = Prepared("""
            SELECT r.tenant, 'administrative record ' || r.idx
            FROM administrative_record r
            WHERE NOT EXISTS (SELECT 1 FROM tree t JOIN leaf l ON l.tree = t.id AND l.kind = 2 AND l.owner = 0 AND l.idx = r.idx WHERE t.tenant = r.tenant)
            LIMIT 1
            """);
        return Outside(outside.Query());
    }

    public long LastNumber() => RecordFile.Number(_connection, "SELECT seq FROM sqlite_sequence WHERE name = 'conversation_head'");

    public long? FindStray(string table)
    {
        using var stray = Prepared($"SELECT conversation_id FROM {table} WHERE conversation_id NOT IN (SELECT id FROM conversation_head) LIMIT 1");
        return (long?)stray.Scalar();
    }

    public bool IsDamage(Exception failure) => failure is SqliteException { SqliteErrorCode: 1 or 10 or 11 or 26 };

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        _connection.Dispose();
    }

    private static (string Tenant, string What)? Outside(DbDataReader row)
    {
        using (row)
            return row.Read() ? (row.GetString(0), row.GetString(1)) : null;
    }

    private void Enter(string tenant)
    {
        using var extent = Prepared("UPDATE extent SET tenant = $1", 1);
        extent.Execute(tenant);
    }

    private Statement Prepared(string sql, int parameters = 0) => new(_connection, sql, parameters);

    private Statement Kept(string sql, int parameters = 0)
    {
        var statement = Prepared(sql, parameters);
        _statements.Add(statement);
        return statement;
    }
}
