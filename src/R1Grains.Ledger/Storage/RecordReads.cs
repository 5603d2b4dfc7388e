using System.Data.Common;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>
/// A reading connection. Each call sees the record at one moment and holds up no writer; after an exception the
/// connection is to be disposed of.
/// </summary>
internal abstract class RecordReads : IAsyncDisposable
{
    private const string SelectConversation = """
        SELECT h.tenant, h.name, h.id, h.last_activity, h.next_turn, h.deadline IS NOT NULL, o.time, o.payload, c.epoch, c.time, c.payload
        FROM conversation_head h
        JOIN entry o ON o.conversation_id = h.id AND o.turn = 0 AND o.kind = 1
        LEFT JOIN entry c ON c.conversation_id = h.id AND c.turn = 0 AND c.kind = 4
        """;

    private const string ThisConversation = "(SELECT id FROM conversation_head WHERE tenant = $1 AND name = $2)";

    /// <summary>The condition on a head that it is idle and may be completed; SQL.</summary>
    protected abstract string IdleBy { get; }

    /// <summary>When an idle conversation's time is up; SQL.</summary>
    protected abstract string IdleSince { get; }

    public async Task<Conversation?> Conversation(ConversationKey key) =>
        (await Query($"{SelectConversation} WHERE h.tenant = $1 AND h.name = $2", ReadConversation, key.Tenant, key.Conversation)).SingleOrDefault();

    public async Task<Page<Conversation>> Conversations(string tenant, int pageSize, long after)
    {
        var rows = await Query($"{SelectConversation} WHERE h.tenant = $1 AND h.id > $2 ORDER BY h.id LIMIT $3", row => (Id: row.GetInt64(2), Conversation: ReadConversation(row)), tenant, after, pageSize + 1);
        var page = rows.Take(pageSize).ToList();
        return new Page<Conversation>(page.ConvertAll(row => row.Conversation), rows.Count > pageSize ? page[^1].Id : null);
    }

    public Task<TakenOver> TakenOver(ConversationKey key, long epoch, int recentTurns) => AtOneMoment(async () =>
    {
        var conversation = (await Conversation(key))!;
        return new TakenOver(conversation, epoch, conversation.TurnCount + 1, await ReadTurns(key, Math.Max(1, conversation.TurnCount - recentTurns + 1), conversation.TurnCount));
    });

    /// <summary>The turns numbered from <paramref name="first"/> to <paramref name="last"/>, as far as there are any.</summary>
    public Task<List<TurnRecord>> Turns(ConversationKey key, int first, int last) => AtOneMoment(() => ReadTurns(key, first, last));

    public async Task<int?> TurnOfRequest(ConversationKey key, string requestId) => (await Query(
        $"SELECT turn FROM entry WHERE conversation_id = {ThisConversation} AND request_id = $3",
        row => (int?)row.Int32(0), key.Tenant, key.Conversation, requestId)).SingleOrDefault();

    public async Task<int[]?> Prompt(ConversationKey key, int turn) => (await Query(
        $"SELECT prompt FROM entry WHERE conversation_id = {ThisConversation} AND turn = $3 AND kind = 2 AND prompt IS NOT NULL",
        row => TokenIds.Decode(row.Bytes(0)), key.Tenant, key.Conversation, turn)).SingleOrDefault();

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

    /// <param name="values">Of <c>$1 … $n</c>.</param>
    protected abstract DbCommand Command(string sql, object?[] values);

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

    private async Task<T> AtOneMoment<T>(Func<Task<T>> read)
    {
        await BeginAsync();
        var result = await read();
        await EndAsync();
        return result;
    }

    private async Task<List<TurnRecord>> ReadTurns(ConversationKey key, int first, int last)
    {
        var pieces = (await Query($"""
            SELECT turn, number, epoch, time, token_ids, text, resume_points FROM piece
            WHERE conversation_id = {ThisConversation} AND turn BETWEEN $3 AND $4
            ORDER BY turn, number
            """, row => new Piece
        {
            Key = key,
            Turn = row.Int32(0),
            Number = row.Int32(1),
            Epoch = row.GetInt64(2),
            Time = Microseconds.ToTime(row.GetInt64(3)),
            TokenIds = TokenIds.Decode(row.Bytes(4)),
            Text = ByteWriter.StrictUtf8.GetString(row.Bytes(5)),
            ResumePoints = ResumePoints.Decode(row.Bytes(6)),
        }, key.Tenant, key.Conversation, first, last)).ToLookup(piece => piece.Turn);
        return await Query($"""
            SELECT o.turn, o.idx, o.epoch, o.time, o.hash, o.payload, c.idx, c.epoch, c.time, c.hash, c.payload, c.piece_count, o.format, c.format, c.receipt
            FROM entry o LEFT JOIN entry c ON c.conversation_id = o.conversation_id AND c.turn = o.turn AND c.kind = 3
            WHERE o.conversation_id = {ThisConversation} AND o.turn BETWEEN $3 AND $4 AND o.kind = 2
            ORDER BY o.turn
            """, row =>
        {
            var turn = row.Int32(0);
            var (opened, _, promptHash) = Payload.DecodeTurnOpened(row.Bytes(5), (byte)row.Int32(12), key, turn, row.GetInt64(2), Microseconds.ToTime(row.GetInt64(3)));
            var closed = row.IsDBNull(6) ? null : Payload.DecodeTurnClosed(row.Bytes(10), (byte)row.Int32(13), key, turn, row.GetInt64(7), Microseconds.ToTime(row.GetInt64(8)), row.Int32(11));
            return new TurnRecord(
                opened,
                promptHash,
                new Receipt(key, row.GetInt64(1), row.Digest(4)),
                [.. pieces[turn]],
                closed,
                closed is null ? null : Receipts.Of(key, row.GetInt64(6), row.Digest(9), row.GetInt64(8), row.IsDBNull(14) ? null : row.GetString(14)));
        }, key.Tenant, key.Conversation, first, last);
    }

    private static Conversation ReadConversation(DbDataReader row)
    {
        var key = ReadKey(row);
        return new Conversation(
            Payload.DecodeConversationOpened(row.Bytes(7), key, Microseconds.ToTime(row.GetInt64(6))),
            Microseconds.ToTime(row.GetInt64(3)),
            row.Int32(4) - 1,
            row.GetBoolean(5),
            row.IsDBNull(8) ? null : Payload.DecodeConversationCompleted(row.Bytes(10), key, row.GetInt64(8), Microseconds.ToTime(row.GetInt64(9))));
    }

    /// <summary>The condition on a head that it comes after $1, $2 and $3. The first part says nothing new; an index is searched by it.</summary>
    private static string After(string time) => $"{time} >= $1 AND ({time}, tenant, name) > ($1, $2, $3)";

    private static long TimeOf(DateTimeOffset? time) => time is { } known ? Microseconds.Of(known) : long.MinValue;

    private static ConversationKey ReadKey(DbDataReader row) => new(row.GetString(0), row.GetString(1));

    /// <param name="values">Of <c>$1 … $n</c>.</param>
    internal async Task<List<T>> Query<T>(string sql, Func<DbDataReader, T> read, params object?[] values)
    {
        await using var command = Command(sql, values);
        await using var row = await command.ExecuteReaderAsync();
        var items = new List<T>();
        while (await row.ReadAsync())
            items.Add(read(row));
        return items;
    }
}
