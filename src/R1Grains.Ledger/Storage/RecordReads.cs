using System.Data.Common;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>
/// A reading connection. Each call sees the record at one moment and holds up no writer; after an exception the
/// connection is to be disposed of.
/// </summary>
internal abstract class RecordReads : IAsyncDisposable
{
    private const string ThisConversation = "(SELECT id FROM conversation_head WHERE tenant = $1 AND name = $2)";

    /// <summary>Finds the turn that the request $3 opened in a conversation; SQL.</summary>
    protected abstract string TurnOfRequestQuery { get; }

    /// <summary>The condition on a row of an entry or a piece that it belongs to the conversation of the head h; SQL.</summary>
    public abstract string RowsOfHead(string row);

    /// <summary>The condition on a head that it is idle and may be completed; SQL.</summary>
    protected abstract string IdleBy { get; }

    /// <summary>When an idle conversation's time is up; SQL.</summary>
    protected abstract string IdleSince { get; }

    /// <summary>Joins the one row that meets the condition, looked up for each row before it; SQL.</summary>
    /// <param name="condition">By a key of the table.</param>
    public abstract string JoinOne(string table, string name, string condition);

    public async Task<DataKeyId?> DataKey(ConversationKey key) => (await Query(
        "SELECT data_key FROM conversation_head WHERE tenant = $1 AND name = $2", row => (DataKeyId?)DataKeyId.Of(row.Bytes(0)), key.Tenant, key.Conversation)).SingleOrDefault();

    public async Task<ConversationRow?> Conversation(ConversationKey key) =>
        (await Query($"{ConversationRow.Select(this)} WHERE h.tenant = $1 AND h.name = $2", ConversationRow.Read, key.Tenant, key.Conversation)).SingleOrDefault();

    public async Task<Page<ConversationRow>> Conversations(string tenant, int pageSize, long after)
    {
        var rows = await Query($"{ConversationRow.Select(this)} WHERE h.tenant = $1 AND h.id > $2 ORDER BY h.id LIMIT $3", ConversationRow.Read, tenant, after, pageSize + 1);
        var page = rows.Take(pageSize).ToList();
        return new Page<ConversationRow>(page, rows.Count > pageSize ? page[^1].Number : null);
    }

    /// <summary>All of a customer.</summary>
    public async Task<IReadOnlyList<ConversationRow>> Conversations(string tenant, Digest customer) =>
        await Query($"{ConversationRow.Select(this)} WHERE h.tenant = $1 AND h.customer = $2 ORDER BY h.id", ConversationRow.Read, tenant, customer.ToArray());

    /// <summary>Null where it begins in a month that is no longer kept.</summary>
    public Task<(ConversationRow Conversation, List<TurnRow> Turns)?> TakenOver(ConversationKey key, int recentTurns) => AtOneMoment<(ConversationRow, List<TurnRow>)?>(async () =>
    {
        if (await Conversation(key) is not { } conversation)
            return null;
        return (conversation, await ReadTurns(key, Math.Max(1, conversation.TurnCount - recentTurns + 1), conversation.TurnCount));
    });

    /// <summary>The turns numbered from <paramref name="first"/> to <paramref name="last"/>, as far as there are any.</summary>
    public Task<List<TurnRow>> Turns(ConversationKey key, int first, int last) => AtOneMoment(() => ReadTurns(key, first, last));

    public async Task<int?> TurnOfRequest(ConversationKey key, string requestId) => (await Query(
        TurnOfRequestQuery,
        row => (int?)row.Int32(0), key.Tenant, key.Conversation, requestId)).SingleOrDefault();

    /// <summary>A turn_opened with its sealed prompt, where this is kept.</summary>
    public async Task<SealedPayload?> Prompt(ConversationKey key, int turn) => (await Query(
        $"SELECT e.skeleton, e.sealed, e.prompt FROM conversation_head h JOIN entry e ON {RowsOfHead("e")} WHERE h.tenant = $1 AND h.name = $2 AND e.idx = $3 AND e.kind = 2 AND e.prompt IS NOT NULL",
        row => new SealedPayload(row.Bytes(0), row.Bytes(1), row.Bytes(2)), key.Tenant, key.Conversation, ConversationHead.IndexOfOpening(turn))).SingleOrDefault();

    public async Task<IReadOnlyList<OpenTurn>> OpenTurns(int limit, OpenTurn? after) => await Query($"""
        SELECT tenant, name, next_turn - 1, deadline FROM conversation_head
        WHERE deadline IS NOT NULL AND {After("deadline")} ORDER BY deadline, tenant, name LIMIT $4
        """, row => new OpenTurn(ReadKey(row), row.Int32(2), Microseconds.ToTime(row.GetInt64(3))),
        TimeOf(after?.Deadline), after?.Key.Tenant ?? "", after?.Key.Conversation ?? "", limit);

    public async Task<IReadOnlyList<IdleConversation>> IdleConversations(long now, int limit, IdleConversation? after) => await Query($"""
        SELECT tenant, name, {IdleSince} FROM conversation_head
        WHERE {IdleBy} AND {IdleSince} <= $5 AND {After(IdleSince)} ORDER BY {IdleSince}, tenant, name LIMIT $4
        """, row => new IdleConversation(ReadKey(row), Microseconds.ToTime(row.GetInt64(2))),
        TimeOf(after?.Since), after?.Key.Tenant ?? "", after?.Key.Conversation ?? "", limit, now);

    public async Task<SignedNote?> Checkpoint(string tenant) => (await Query(
        "SELECT c.note FROM tree t JOIN checkpoint c ON c.tree = t.id WHERE t.tenant = $1 ORDER BY c.size DESC LIMIT 1",
        row => SignedNote.Parse(row.GetString(0)), tenant)).SingleOrDefault();

    public Task<InclusionProof?> ProveInclusion(ConversationKey key, long index) => AtOneMoment(async () =>
    {
        var leaf = (await Query($"""
            SELECT l.tree, l.number, c.size, c.note
            FROM tree t
            JOIN leaf l ON l.tree = t.id AND l.kind = 1 AND l.owner = {ThisConversation} AND l.idx = $3
            JOIN checkpoint c ON c.tree = t.id AND c.size > l.number
            WHERE t.tenant = $1 ORDER BY c.size DESC LIMIT 1
            """, row => (Tree: row.Int32(0), Number: row.GetInt64(1), Size: row.GetInt64(2), Note: row.GetString(3)), key.Tenant, key.Conversation, index)).SingleOrDefault();
        if (leaf.Note is null)
            return null;
        var tiles = await Tiles(leaf.Tree, TreeProof.Tiles(leaf.Number, leaf.Size));
        return new InclusionProof(leaf.Number, [.. TreeProof.Inclusion(leaf.Number, leaf.Size).Select(tiles.Hash)], SignedNote.Parse(leaf.Note));
    });

    /// <summary>To the last checkpoint.</summary>
    public Task<ConsistencyProof?> ProveConsistency(string tenant, long first) => AtOneMoment(async () =>
        await LastCheckpoint(tenant) is var (tree, size, note) && first <= size ? new ConsistencyProof(await Consistency(tree, first, size), SignedNote.Parse(note)) : null);

    /// <summary>Null where the tree has fewer leaves.</summary>
    public Task<IReadOnlyList<Digest>?> ProveConsistency(string tenant, long first, long second) => AtOneMoment(async () =>
        await LastCheckpoint(tenant) is var (tree, size, _) && first <= second && second <= size ? await Consistency(tree, first, second) : null);

    /// <summary>The last of each tree.</summary>
    public async Task<IReadOnlyList<(string Tenant, SignedNote Checkpoint)>> Checkpoints() => await Query(
        "SELECT t.tenant, c.note FROM tree t JOIN checkpoint c ON c.tree = t.id AND c.size = (SELECT max(size) FROM checkpoint WHERE tree = t.id) ORDER BY t.id",
        row => (row.GetString(0), SignedNote.Parse(row.GetString(1))));

    /// <summary>The root that the tree with this origin had at this size; null where it has fewer leaves, or there is none.</summary>
    public Task<(long Size, Digest? Root)> TreeAt(string origin, long size) => AtOneMoment<(long, Digest?)>(async () =>
    {
        var tree = (await Query("SELECT id, size FROM tree WHERE origin = $1", row => (Id: row.Int32(0), Size: row.GetInt64(1)), origin)).SingleOrDefault();
        if (tree.Size < size)
            return (tree.Size, null);
        return (tree.Size, size == 0 ? TreeHash.Empty : (await Tiles(tree.Id, TreeProof.Tiles(size - 1, size))).Hash(new LeafRange(0, size)));
    });

    public abstract ValueTask DisposeAsync();

    /// <summary>Until <see cref="EndAsync"/>, every query sees the same moment.</summary>
    protected abstract Task BeginAsync();

    protected abstract Task EndAsync();

    private async Task<(int Tree, long Size, string Note)?> LastCheckpoint(string tenant) => (await Query(
        "SELECT c.tree, c.size, c.note FROM tree t JOIN checkpoint c ON c.tree = t.id WHERE t.tenant = $1 ORDER BY c.size DESC LIMIT 1",
        row => ((int, long, string)?)(row.Int32(0), row.GetInt64(1), row.GetString(2)), tenant)).SingleOrDefault();

    private async Task<IReadOnlyList<Digest>> Consistency(int tree, long first, long second)
    {
        var tiles = await Tiles(tree, first == 0 ? [] : TreeProof.Tiles(first - 1, second));
        return [.. TreeProof.Consistency(first, second).Select(tiles.Hash)];
    }

    /// <summary>Those that there are.</summary>
    private async Task<TileSet> Tiles(int tree, IEnumerable<Tile> wanted)
    {
        var tiles = new TileSet();
        foreach (var tile in wanted)
        {
            foreach (var hashes in await Query("SELECT hashes FROM tile WHERE tree = $1 AND level = $2 AND number = $3", row => row.Bytes(0), tree, tile.Level, tile.Number))
                tiles.Add(tile, hashes);
        }
        return tiles;
    }

    internal async Task<T> AtOneMoment<T>(Func<Task<T>> read)
    {
        await BeginAsync();
        var result = await read();
        await EndAsync();
        return result;
    }

    private async Task<List<TurnRow>> ReadTurns(ConversationKey key, int first, int last)
    {
        var pieces = (await Query($"""
            SELECT p.turn, p.number, p.epoch, p.time, p.skeleton, p.sealed
            FROM conversation_head h JOIN piece p ON {RowsOfHead("p")}
            WHERE h.tenant = $1 AND h.name = $2 AND p.turn BETWEEN $3 AND $4
            ORDER BY p.turn, p.number
            """,
            row => (Turn: row.Int32(0), Piece: new JournalPiece(row.Int32(1), row.GetInt64(2), row.GetInt64(3), row.Bytes(4), row.Bytes(5))),
            key.Tenant, key.Conversation, first, last)).ToLookup(row => row.Turn, row => row.Piece);
        return await Query($"""
            SELECT o.turn, o.idx, o.epoch, o.time, o.hash, o.skeleton, o.sealed, c.idx, c.epoch, c.time, c.hash, c.skeleton, c.sealed, c.piece_count, c.pieces_hash, c.receipt
            FROM conversation_head h
            JOIN entry o ON {RowsOfHead("o")}
            LEFT JOIN entry c ON {RowsOfHead("c")} AND c.idx = o.idx + 1
            WHERE h.tenant = $1 AND h.name = $2 AND o.idx BETWEEN $3 AND $4 AND o.kind = 2
            ORDER BY o.idx
            """,
            row =>
            {
                var turn = row.Int32(0);
                var isClosed = !row.IsDBNull(7);
                return new TurnRow(
                    key,
                    turn,
                    new Entry(row.GetInt64(1), EntryKind.TurnOpened, turn, row.GetInt64(2), row.GetInt64(3), new(row.Bytes(5), row.Bytes(6)), null),
                    row.Digest(4),
                    [.. pieces[turn]],
                    isClosed ? new Entry(row.GetInt64(7), EntryKind.TurnClosed, turn, row.GetInt64(8), row.GetInt64(9), new(row.Bytes(11), row.Bytes(12)), (row.Int32(13), row.Digest(14))) : null,
                    isClosed ? row.Digest(10) : default,
                    row.IsDBNull(15) ? null : row.GetString(15));
            },
            key.Tenant, key.Conversation, ConversationHead.IndexOfOpening(first), ConversationHead.IndexOfOpening(last));
    }

    /// <summary>The condition on a head that it comes after $1, $2 and $3. The first part says nothing new; an index is searched by it.</summary>
    private static string After(string time) => $"{time} >= $1 AND ({time}, tenant, name) > ($1, $2, $3)";

    private static long TimeOf(DateTimeOffset? time) => time is { } known ? Microseconds.Of(known) : long.MinValue;

    private static ConversationKey ReadKey(DbDataReader row) => new(row.GetString(0), row.GetString(1));

    /// <param name="values">Of <c>$1 … $n</c>.</param>
    internal abstract Task<List<T>> Query<T>(string sql, Func<DbDataReader, T> read, params object?[] values);

    protected static async Task<List<T>> ReadAllAsync<T>(DbDataReader row, Func<DbDataReader, T> read)
    {
        var items = new List<T>();
        while (await row.ReadAsync())
            items.Add(read(row));
        return items;
    }
}
