using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Search;

/// <summary>
/// What is read of the index. Everything is looked at from the latest turn back, and no further than until there is enough:
/// a word that every turn holds costs no more than a rare one.
/// </summary>
internal static class IndexReads
{
    /// <summary>Segments that are looked at together at most.</summary>
    private const int TogetherMax = 64;

    private const string SelectSegment = "SELECT level, first, last, turns, earliest, latest FROM search_segment";

    /// <returns>By tenant, with the root of the tree when it had so many leaves, so that an index of another record is known by it.</returns>
    public static async Task<Dictionary<string, (Digest Scheme, long Leaves, Digest Root)>> IndexStates(this RecordReads reads) =>
        (await reads.Query("SELECT tenant, scheme, leaves, root FROM search_state", row => (Tenant: row.GetString(0), (row.Digest(1), row.GetInt64(2), row.Digest(3))))).ToDictionary();

    public static async Task<(Digest Scheme, long Leaves)?> IndexState(this RecordReads reads, string tenant) => (await reads.Query(
        "SELECT scheme, leaves FROM search_state WHERE tenant = $1", row => ((Digest, long)?)(row.Digest(0), row.GetInt64(1)), tenant)).SingleOrDefault();

    /// <summary>Of turns that are in no segment yet, ascending.</summary>
    public static Task<List<IndexedTurn>> Tail(this RecordReads reads, string tenant) => reads.Query(
        "SELECT leaf, time, terms FROM search_tail WHERE tenant = $1 ORDER BY leaf",
        row => new IndexedTurn(row.GetInt64(0), row.GetInt64(1), IndexedTurn.DecodeTerms(row.Bytes(2))), tenant);

    /// <summary>Those of one level, ascending.</summary>
    public static Task<List<Segment>> Segments(this RecordReads reads, string tenant, int level) => reads.Query(
        $"{SelectSegment} WHERE tenant = $1 AND level = $2 ORDER BY first", ReadSegment, tenant, level);

    /// <summary>The times of the turns of one segment.</summary>
    public static async Task<List<(long Leaf, long Time)>> Times(this RecordReads reads, string tenant, Segment segment) => (await reads.Query(
        "SELECT times FROM search_segment WHERE tenant = $1 AND first = $2", row => TurnTimes.Decode(row.Bytes(0), segment.First), tenant, segment.First)).Single();

    /// <summary>The block with this number of each of the segments, ascending.</summary>
    /// <param name="segments">Of one level; they follow each other.</param>
    public static Task<List<(long First, byte[] Block)>> Blocks(this RecordReads reads, string tenant, IReadOnlyList<Segment> segments, int block) => reads.Query(
        "SELECT segment, postings FROM search_block WHERE tenant = $1 AND level = $2 AND block = $3 AND segment >= $4 AND segment <= $5 ORDER BY segment",
        row => (row.GetInt64(0), row.Bytes(1)), tenant, segments[0].Level, block, segments.Min(segment => segment.First), segments.Max(segment => segment.First));

    /// <param name="before">Only those that ended at a smaller leaf.</param>
    /// <param name="limit">More are not told at once.</param>
    public static Task<Candidates> Candidates(this RecordReads reads, string tenant, TermQuery query, long before, int limit) => reads.AtOneMoment(async () =>
    {
        var (from, until) = (query.From is { } first ? Microseconds.Of(first) : long.MinValue / 2, query.Until is { } end ? Microseconds.Of(end) : long.MaxValue);
        var leaves = new List<long>();
        foreach (var turn in Enumerable.Reverse(await reads.Tail(tenant)))
        {
            if (turn.Leaf < before && turn.Time >= from && turn.Time < until && query.IsMetBy(turn.Terms))
                leaves.Add(turn.Leaf);
        }
        var segments = await reads.Query($"{SelectSegment} WHERE tenant = $1 AND first < $2 ORDER BY first DESC", ReadSegment, tenant, before);
        foreach (var together in Together(segments.Where(segment => segment.Latest >= from && segment.Earliest < until)))
        {
            if (leaves.Count >= limit)
                break;
            var found = await reads.Leaves(tenant, together, query.Clauses);
            foreach (var segment in together.Where(segment => found.ContainsKey(segment.First)))
            {
                IEnumerable<long> these = found[segment.First];
                if (segment.Earliest < from || segment.Latest >= until)
                    these = these.Intersect((await reads.Times(tenant, segment)).Where(turn => TurnTimes.MayLie(turn.Time, from, until)).Select(turn => turn.Leaf));
                leaves.AddRange(these.Where(leaf => leaf < before).Reverse());
            }
        }
        return new Candidates([.. leaves.Take(limit)], leaves.Count < limit);
    });

    /// <summary>Of each of the segments, by its first leaf, the leaves that meet all of the clauses; ascending, none without any.</summary>
    private static async Task<Dictionary<long, List<long>>> Leaves(this RecordReads reads, string tenant, IReadOnlyList<Segment> segments, IReadOnlyList<IReadOnlyCollection<uint>> clauses)
    {
        Dictionary<long, List<long>>? all = null;
        foreach (var clause in clauses)
        {
            var some = new Dictionary<long, List<long>>();
            foreach (var term in clause)
            {
                foreach (var (first, block) in await reads.Blocks(tenant, segments, Segment.BlockOf(term, segments[0].Level)))
                {
                    if (PostingBlock.Find(block, term, first) is { Count: > 0 } leaves)
                        some[first] = some.TryGetValue(first, out var others) ? [.. others.Union(leaves).Order()] : leaves;
                }
            }
            all = all is null ? some : all.Where(known => some.ContainsKey(known.Key)).ToDictionary(known => known.Key, known => Intersection(known.Value, some[known.Key]));
            if (all.Values.All(leaves => leaves.Count == 0))
                return [];
        }
        if (all is not null)
            return all;
        all = [];
        foreach (var segment in segments)
            all[segment.First] = (await reads.Times(tenant, segment)).ConvertAll(turn => turn.Leaf);
        return all;
    }

    private static List<long> Intersection(List<long> some, List<long> others)
    {
        var both = new List<long>(Math.Min(some.Count, others.Count));
        for (var (i, j) = (0, 0); i < some.Count && j < others.Count;)
        {
            if (some[i] == others[j])
                both.Add(some[i]);
            var step = some[i].CompareTo(others[j]);
            i += step <= 0 ? 1 : 0;
            j += step >= 0 ? 1 : 0;
        }
        return both;
    }

    /// <summary>Neighbours of one level: few at first, and more the longer it takes to find enough.</summary>
    private static IEnumerable<IReadOnlyList<Segment>> Together(IEnumerable<Segment> segments)
    {
        var (together, most) = (new List<Segment>(), 1);
        foreach (var segment in segments)
        {
            if (together.Count == most || together.Count > 0 && together[0].Level != segment.Level)
            {
                yield return together;
                (together, most) = ([], Math.Min(4 * most, TogetherMax));
            }
            together.Add(segment);
        }
        if (together.Count > 0)
            yield return together;
    }

    private static Segment ReadSegment(System.Data.Common.DbDataReader row) =>
        new(row.Int32(0), row.GetInt64(1), row.GetInt64(2), row.Int32(3), row.GetInt64(4), row.GetInt64(5));
}
