using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Sqlite;

/// <summary>
/// The tenants' trees in the record's file. One process writes the file, so that the order of commits is there: leaves are
/// added in the transaction of their entries.
/// </summary>
internal sealed class TreeRows : IDisposable
{
    public const string Schema = """
        CREATE TABLE tree (
            id INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL UNIQUE,
            origin TEXT NOT NULL UNIQUE,
            size INTEGER NOT NULL,
            edge BLOB NOT NULL
        ) STRICT;

        CREATE TABLE leaf (
            tree INTEGER NOT NULL,
            number INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            owner INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            PRIMARY KEY (tree, number),
            UNIQUE (tree, kind, owner, idx)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE tile (
            tree INTEGER NOT NULL,
            level INTEGER NOT NULL,
            number INTEGER NOT NULL,
            hashes BLOB NOT NULL,
            PRIMARY KEY (tree, level, number)
        ) STRICT;

        CREATE TABLE checkpoint (
            tree INTEGER NOT NULL,
            size INTEGER NOT NULL,
            time INTEGER NOT NULL,
            note TEXT NOT NULL,
            PRIMARY KEY (tree, size)
        ) STRICT, WITHOUT ROWID;
        """;

    private readonly SqliteConnection _connection;
    private readonly LogIdentity _identity;
    private readonly TimeProvider _time;
    private readonly Statement _insertTree;
    private readonly Statement _updateTree;
    private readonly Statement _insertLeaf;
    private readonly Statement _addToTile;
    private readonly Statement _insertCheckpoint;
    private readonly Statement _deleteCheckpoint;
    private readonly Dictionary<string, GrowingTree> _trees = [];

    /// <exception cref="InvalidDataException">A tree bears another name than this identity gives it.</exception>
    public TreeRows(SqliteConnection connection, LogIdentity identity, TimeProvider time)
    {
        (_connection, _identity, _time) = (connection, identity, time);
        _insertTree = new Statement(connection, "INSERT INTO tree (tenant, origin, size, edge) VALUES ($1, $2, 0, x'') RETURNING id", 2);
        _updateTree = new Statement(connection, "UPDATE tree SET size = $2, edge = $3 WHERE id = $1", 3);
        _insertLeaf = new Statement(connection, "INSERT INTO leaf (tree, number, kind, owner, idx) VALUES ($1, $2, $3, $4, $5)", 5);
        _addToTile = new Statement(connection, """
            INSERT INTO tile (tree, level, number, hashes) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO UPDATE SET hashes = CAST(hashes || excluded.hashes AS BLOB)
            """, 4);
        _insertCheckpoint = new Statement(connection, "INSERT INTO checkpoint (tree, size, time, note) VALUES ($1, $2, $3, $4)", 4);
        _deleteCheckpoint = new Statement(connection, "DELETE FROM checkpoint WHERE tree = $1 AND size = $2", 2);

        using var trees = new Statement(connection, """
            SELECT t.tenant, t.id, t.origin, t.size, t.edge, c.size, c.time
            FROM tree t LEFT JOIN checkpoint c ON c.tree = t.id AND c.size = (SELECT max(size) FROM checkpoint WHERE tree = t.id)
            """);
        using var row = trees.Query();
        while (row.Read())
        {
            var (tenant, origin) = (row.GetString(0), row.GetString(2));
            if (origin != identity.Origin(tenant))
                throw new InvalidDataException($"its trees are signed as '{origin}', and this server signs as '{identity.Origin(tenant)}'. Give the cluster its former name.");
            _trees[tenant] = new GrowingTree(row.Int32(1), origin, Frontier.Of(row.GetInt64(3), row.Bytes(4)), row.IsDBNull(5) ? null : new(row.GetInt64(5), row.GetInt64(6)));
        }
    }

    /// <summary>How long it is until a checkpoint is due; null where none will be.</summary>
    public TimeSpan? Due
    {
        get
        {
            var now = Now;
            return _trees.Values.Min(tree => tree.Due(now)) is { } due ? Microseconds.ToSpan(Math.Max(0, due - now)) : null;
        }
    }

    private long Now => Microseconds.Of(_time.GetUtcNow());

    public void Append(string tenant, LeafKind kind, long owner, long index, Digest leaf)
    {
        if (!_trees.TryGetValue(tenant, out var tree))
        {
            var origin = _identity.Origin(tenant);
            _trees[tenant] = tree = new GrowingTree((int)(long)_insertTree.Scalar(tenant, origin)!, origin, new Frontier(), null);
        }
        _insertLeaf.Execute(tree.Id, tree.Append(leaf), (int)kind, owner, index);
    }

    /// <summary>Writes what has been appended, and the checkpoints that are due. To be called before the transaction's end.</summary>
    /// <param name="publish">Whether every tree that has grown gets a checkpoint.</param>
    public void Write(bool publish)
    {
        var now = Now;
        foreach (var tree in _trees.Values)
        {
            if (tree.TakeAdditions() is { } added)
            {
                foreach (var (tile, _, hashes) in added.Tiles)
                    _addToTile.Execute(tree.Id, tile.Level, tile.Number, hashes);
                _updateTree.Execute(tree.Id, tree.Frontier.Size, tree.Frontier.ToArray());
            }
            if (tree.Due(now) is { } due && (publish || due <= now))
            {
                var (note, replaced) = tree.Publish(_identity, now);
                _insertCheckpoint.Execute(tree.Id, tree.Frontier.Size, now, note.ToString());
                if (replaced is { } size)
                    _deleteCheckpoint.Execute(tree.Id, size);
            }
        }
    }

    public void Dispose()
    {
        foreach (var statement in (Statement[])[_insertTree, _updateTree, _insertLeaf, _addToTile, _insertCheckpoint, _deleteCheckpoint])
            statement.Dispose();
    }
}
