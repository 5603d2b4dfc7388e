using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Postgres;

/// <summary>
/// A connection that leads, or waits to: the one with the lock puts committed entries into the trees. The lock keeps others
/// from working in vain; that no two go on from the same leaf is seen to by the leaves' own key. After an exception it is to
/// be disposed of, and what was written is read anew.
/// </summary>
internal sealed class SequencerSession : IAsyncDisposable
{
    /// <summary>"R1TR".</summary>
    private const long Lock = 0x52315452;

    /// <summary>Of each writer, at once: at most 256 entries each.</summary>
    private const int BatchesMax = 64;

    /// <summary>A session that stands still within a transaction would hold up who comes after it.</summary>
    private const string Settings = """
        SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
            set_config('idle_in_transaction_session_timeout', '2s', false), set_config('jit', 'off', false)
        """;

    private const string SelectTrees = """
        SELECT t.tenant, t.id, t.origin, t.size, t.edge, c.size, c.time
        FROM tree t LEFT JOIN LATERAL (SELECT size, time FROM checkpoint WHERE tree = t.id ORDER BY size DESC LIMIT 1) c ON true
        """;

    /// <summary>
    /// Sees of each writer the batches up to some one, and all that belongs to them: they were committed one after the other,
    /// and this is one statement. The order in which they come is the order of the leaves.
    /// </summary>
    private const string SelectNew = """
        SELECT w.writer, least(w.batch, s.batch + $1), w.batch > s.batch + $1, n.tenant, n.kind, n.owner, n.idx, n.hash
        FROM record_writer w
        LEFT JOIN sequenced d ON d.writer = w.writer
        CROSS JOIN LATERAL (SELECT coalesce(d.batch, 0) AS batch) s
        LEFT JOIN LATERAL (
            SELECT e.batch, e.tenant, 1::smallint AS kind, e.conversation_id AS owner, e.idx, e.hash
            FROM entry e
            WHERE e.writer = w.writer AND e.batch > s.batch AND e.batch <= s.batch + $1
            UNION ALL
            SELECT r.batch, r.tenant, 2::smallint, 0, r.idx, r.hash
            FROM administrative_record r
            WHERE r.writer = w.writer AND r.batch > s.batch AND r.batch <= s.batch + $1
        ) n ON true
        WHERE w.batch > s.batch
        ORDER BY w.writer, n.batch, n.kind, n.owner, n.idx
        """;

    private const string InsertTree = "INSERT INTO tree (tenant, origin, size, edge) VALUES ($1, $2, 0, '') RETURNING id";

    private const string InsertLeaves = "INSERT INTO leaf (tree, number, kind, owner, idx) SELECT * FROM unnest($1, $2, $3, $4, $5)";

    private const string AddToTiles = """
        INSERT INTO tile (tree, level, number, hashes) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (tree, level, number) DO UPDATE SET hashes = tile.hashes || excluded.hashes
        """;

    private const string UpdateTrees = "UPDATE tree t SET size = u.size, edge = u.edge FROM unnest($1, $2, $3) AS u (id, size, edge) WHERE t.id = u.id";

    private const string Advance = """
        INSERT INTO sequenced (writer, batch) SELECT * FROM unnest($1, $2) ON CONFLICT (writer) DO UPDATE SET batch = excluded.batch
        """;

    private const string DeleteCheckpoints = "DELETE FROM checkpoint c USING unnest($1, $2) AS u (tree, size) WHERE c.tree = u.tree AND c.size = u.size";

    private const string InsertCheckpoints = "INSERT INTO checkpoint (tree, size, time, note) SELECT * FROM unnest($1, $2, $3, $4)";

    private readonly NpgsqlConnection _connection;
    private readonly Months _months;
    private readonly string _address;
    private readonly LogIdentity _identity;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, GrowingTree> _trees = [];

    /// <summary>Whether it holds the lock, and knows the trees.</summary>
    private bool _leads;

    private SequencerSession(NpgsqlConnection connection, string address, LogIdentity identity, TimeProvider time) =>
        (_connection, _months, _address, _identity, _time) = (connection, new Months(connection), address, identity, time);

    /// <exception cref="RecordRewoundException"/>
    /// <exception cref="RecordServerException"/>
    /// <exception cref="NpgsqlException"/>
    public static async Task<SequencerSession> OpenAsync(Database database, AcknowledgedBatches acknowledged, LogIdentity identity, TimeProvider time)
    {
        var session = new SequencerSession(await database.OpenAsync(RecordRole.Writer), database.Address, identity, time);
        try
        {
            await acknowledged.RequireAsync(session._connection);
            await session.ExecuteAsync(Settings);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>False while another one leads.</summary>
    /// <exception cref="RecordServerException">The trees bear another name.</exception>
    /// <exception cref="NpgsqlException"/>
    public async Task<bool> LeadAsync()
    {
        if (_leads)
            return true;
        await using (var lead = new NpgsqlCommand($"SELECT pg_try_advisory_lock({Lock})", _connection))
        {
            if (await lead.ExecuteScalarAsync() is not true)
                return false;
        }
        await using var trees = new NpgsqlCommand(SelectTrees, _connection);
        await using var row = await trees.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            var (tenant, origin) = (row.GetString(0), row.GetString(2));
            if (origin != _identity.Origin(tenant))
                throw new RecordServerException(_address, $"the record's trees are signed as '{origin}', and this server signs as '{_identity.Origin(tenant)}'. Give the cluster its former name.");
            _trees[tenant] = new GrowingTree(row.GetInt32(1), origin, Frontier.Of(row.GetInt64(3), row.Bytes(4)), row.IsDBNull(5) ? null : new(row.GetInt64(5), row.GetInt64(6)));
        }
        return _leads = true;
    }

    /// <summary>Puts what is committed into the trees, and publishes the checkpoints that are due, in one transaction.</summary>
    /// <param name="publish">Whether every tree that has grown gets a checkpoint.</param>
    /// <returns>Whether more is waiting than one round takes.</returns>
    public async Task<bool> RoundAsync(bool publish = false)
    {
        // A month ahead, so that no append of its first second waits.
        var month = Month.Of(_time.GetUtcNow());
        await _months.RequireAsync(month, month.Next);
        var (leaves, advanced, more) = await ReadNewAsync();
        var now = Microseconds.Of(_time.GetUtcNow());
        if (advanced.Count == 0 && !_trees.Values.Any(tree => IsDue(tree, now, publish)))
            return false;

        // A key that was replaced while this process stood still signs nothing any more.
        await _identity.RequireFreshAsync();
        await ExecuteAsync("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
        var rows = new List<(GrowingTree Tree, long Number, NewLeaf Leaf)>(leaves.Count);
        foreach (var leaf in leaves)
        {
            var tree = await TreeAsync(leaf.Tenant);
            rows.Add((tree, tree.Append(leaf.Hash), leaf));
        }
        await using var batch = new NpgsqlBatch(_connection);
        if (rows.Count > 0)
            AddLeaves(batch, rows);
        if (advanced.Count > 0)
            batch.BatchCommands.Add(Values.Command(Advance, Values.Of(advanced, writer => writer.Writer), Values.Of(advanced, writer => writer.Batch)));
        Publish(batch, now, publish);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await batch.ExecuteNonQueryAsync();
        return more;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<(List<NewLeaf> Leaves, List<(Guid Writer, long Batch)> Advanced, bool More)> ReadNewAsync()
    {
        var (leaves, advanced, more) = (new List<NewLeaf>(), new List<(Guid Writer, long Batch)>(), false);
        await using var command = new NpgsqlCommand(SelectNew, _connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = BatchesMax });
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            var writer = (row.GetGuid(0), row.GetInt64(1));
            if (advanced.Count == 0 || advanced[^1] != writer)
                advanced.Add(writer);
            more |= row.GetBoolean(2);
            if (!row.IsDBNull(3))
                leaves.Add(new(row.GetString(3), row.GetInt16(4), row.GetInt64(5), row.GetInt64(6), row.Digest(7)));
        }
        return (leaves, advanced, more);
    }

    private async Task<GrowingTree> TreeAsync(string tenant)
    {
        if (_trees.TryGetValue(tenant, out var tree))
            return tree;
        var origin = _identity.Origin(tenant);
        await using var command = new NpgsqlCommand(InsertTree, _connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = origin });
        return _trees[tenant] = new GrowingTree((int)(await command.ExecuteScalarAsync())!, origin, new Frontier(), null);
    }

    private static void AddLeaves(NpgsqlBatch batch, List<(GrowingTree Tree, long Number, NewLeaf Leaf)> rows)
    {
        batch.BatchCommands.Add(Values.Command(
            InsertLeaves, Values.Of(rows, row => row.Tree.Id), Values.Of(rows, row => row.Number), Values.Of(rows, row => row.Leaf.Kind), Values.Of(rows, row => row.Leaf.Owner), Values.Of(rows, row => row.Leaf.Index)));
        var grown = rows.Select(row => row.Tree).Distinct().ToList();
        var tiles = grown.SelectMany(tree => tree.TakeAdditions()!.Tiles, (tree, added) => (tree.Id, added.Tile, added.Hashes)).ToList();
        batch.BatchCommands.Add(Values.Command(
            AddToTiles, Values.Of(tiles, row => row.Id), Values.Of(tiles, row => (short)row.Tile.Level), Values.Of(tiles, row => row.Tile.Number), Values.Of(tiles, row => row.Hashes)));
        batch.BatchCommands.Add(Values.Command(
            UpdateTrees, Values.Of(grown, tree => tree.Id), Values.Of(grown, tree => tree.Frontier.Size), Values.Of(grown, tree => tree.Frontier.ToArray())));
    }

    private void Publish(NpgsqlBatch batch, long now, bool publish)
    {
        var published = _trees.Values.Where(tree => IsDue(tree, now, publish))
            .Select(tree => (tree.Id, tree.Frontier.Size, Signed: tree.Publish(_identity, now))).ToList();
        if (published.Count == 0)
            return;
        batch.BatchCommands.Add(Values.Command(
            InsertCheckpoints, Values.Of(published, row => row.Id), Values.Of(published, row => row.Size), Values.Of(published, _ => now), Values.Of(published, row => row.Signed.Note.ToString())));
        if (published.Where(row => row.Signed.Replaced is not null).ToList() is { Count: > 0 } replaced)
            batch.BatchCommands.Add(Values.Command(DeleteCheckpoints, Values.Of(replaced, row => row.Id), Values.Of(replaced, row => row.Signed.Replaced!.Value)));
    }

    private static bool IsDue(GrowingTree tree, long now, bool publish) => tree.Due(now) is { } due && (publish || due <= now);

    private async Task ExecuteAsync(string sql)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <param name="Kind">A <see cref="LeafKind"/>.</param>
    private sealed record NewLeaf(string Tenant, short Kind, long Owner, long Index, Digest Hash);
}
