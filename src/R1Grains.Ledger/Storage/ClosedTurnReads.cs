using System.Data.Common;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <summary>Turns by the place of their ends in a tenant's tree: what was committed, in an order that stays.</summary>
internal static class ClosedTurnReads
{
    /// <summary>Turns that one statement asks for.</summary>
    public const int AtOnce = 64;

    private static readonly string Some = string.Join(", ", Enumerable.Range(2, AtOnce).Select(number => $"${number}"));

    /// <summary>Of each tenant how many leaves its tree has.</summary>
    public static async Task<IReadOnlyList<(string Tenant, long Leaves)>> TreeSizes(this RecordReads reads) =>
        await reads.Query("SELECT tenant, size FROM tree ORDER BY id", row => (row.GetString(0), row.GetInt64(1)));

    /// <summary>How many leaves the tenant's tree has; 0 where there is none.</summary>
    public static async Task<long> TreeSize(this RecordReads reads, string tenant) =>
        (await reads.Query("SELECT size FROM tree WHERE tenant = $1", row => row.GetInt64(0), tenant)).SingleOrDefault();

    /// <summary>Of the tenant's tree when it had so many leaves; null where it has fewer.</summary>
    public static async Task<Digest?> TreeRoot(this RecordReads reads, string tenant, long leaves) =>
        (await reads.Query("SELECT origin FROM tree WHERE tenant = $1", row => row.GetString(0), tenant)).SingleOrDefault() is { } origin ? (await reads.TreeAt(origin, leaves)).Root : null;

    /// <summary>At which the turns of a conversation ended.</summary>
    public static Task<List<long>> Leaves(this RecordReads reads, ConversationKey key) => reads.Query(
        $"""
        SELECT l.number
        FROM conversation_head h
        JOIN entry c ON {reads.RowsOfHead("c")}
        {reads.JoinOne("leaf", "l", "l.tree = (SELECT id FROM tree WHERE tenant = $1) AND l.kind = 1 AND l.owner = c.conversation_id AND l.idx = c.idx")}
        WHERE h.tenant = $1 AND h.name = $2 AND c.kind + 0 = 3
        ORDER BY l.number
        """, row => row.GetInt64(0), key.Tenant, key.Conversation);

    /// <summary>Those that ended at the leaves from <paramref name="first"/> on, of which so many are looked at as there are.</summary>
    public static Task<(List<ClosedTurnRow> Turns, long Next)> ClosedTurns(this RecordReads reads, string tenant, long first, int leaves) => reads.AtOneMoment(async () =>
    {
        var next = Math.Max(first, Math.Min(await reads.TreeSize(tenant), first + leaves));
        return (await reads.Query(Select(reads, "l.number >= $2 AND l.number < $3"), Read, tenant, first, next), next);
    });

    /// <summary>Those that ended at these leaves, as far as any did, the first one first.</summary>
    public static async Task<List<ClosedTurnRow>> ClosedTurns(this RecordReads reads, string tenant, IReadOnlyCollection<long> leaves)
    {
        var turns = new List<ClosedTurnRow>(leaves.Count);
        foreach (var some in leaves.Order().Chunk(AtOnce))
        {
            // No leaf has the number -1: the statement is the same each time, and prepared.
            var wanted = some.Concat(Enumerable.Repeat(-1L, AtOnce - some.Length)).Cast<object?>();
            turns.AddRange(await reads.Query(Select(reads, $"l.number IN ({Some})"), Read, [tenant, .. wanted]));
        }
        return turns;
    }

    /// <summary>From the leaves to their entries and never the other way, whatever is known of the tables: there are many of them.</summary>
    private static string Select(RecordReads reads, string numbers) => $"""
        SELECT l.number, h.tenant, h.name, h.data_key, f.time, f.skeleton, f.sealed,
            o.turn, o.epoch, o.time, o.skeleton, o.sealed, c.epoch, c.time, c.skeleton, c.sealed, c.piece_count, c.pieces_hash
        FROM tree t
        JOIN leaf l ON l.tree = t.id
        {reads.JoinOne("conversation_head", "h", "h.id = l.owner")}
        {reads.JoinOne("entry", "c", $"{reads.RowsOfHead("c")} AND c.idx = l.idx AND c.kind = 3")}
        {reads.JoinOne("entry", "o", $"{reads.RowsOfHead("o")} AND o.idx = l.idx - 1 AND o.kind = 2")}
        {reads.JoinOne("entry", "f", $"{reads.RowsOfHead("f")} AND f.idx = 0")}
        WHERE t.tenant = $1 AND l.kind + 0 = 1 AND {numbers}
        ORDER BY l.number
        """;

    private static ClosedTurnRow Read(DbDataReader row)
    {
        var turn = row.Int32(7);
        return new(
            row.GetInt64(0),
            new ConversationKey(row.GetString(1), row.GetString(2)),
            DataKeyId.Of(row.Bytes(3)),
            new Entry(0, EntryKind.ConversationOpened, 0, 0, row.GetInt64(4), new(row.Bytes(5), row.Bytes(6)), null),
            new Entry(0, EntryKind.TurnOpened, turn, row.GetInt64(8), row.GetInt64(9), new(row.Bytes(10), row.Bytes(11)), null),
            new Entry(0, EntryKind.TurnClosed, turn, row.GetInt64(12), row.GetInt64(13), new(row.Bytes(14), row.Bytes(15)), (row.Int32(16), row.Digest(17))));
    }
}
