using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Search;

/// <summary>
/// Brings the index to where the tenants' trees are. Turns first become a row each; when there are enough of them, they
/// become a segment, and segments become larger ones.
/// </summary>
/// <param name="termsOf">A tenant's turns.</param>
/// <param name="foreign">Told once of each tenant whose index has terms of another scheme, which only dropping it ends.</param>
/// <param name="segmentTurns">How many become a segment of level 1.</param>
internal sealed class IndexBuild(StoredRecord record, IndexConnection connection, Func<string, Task<IndexTerms>> termsOf, Action<string> foreign, int segmentTurns)
{
    /// <summary>Tenants whose index is known to be of this record.</summary>
    private readonly HashSet<string> _known = [];

    private readonly HashSet<string> _foreign = [];

    private readonly Dictionary<string, Digest> _schemes = [];

    /// <summary>Returns when everything is looked at that was there at its begin.</summary>
    /// <exception cref="IndexTakenException"/>
    public async Task RoundAsync(CancellationToken cancellation)
    {
        var states = await connection.Reads.IndexStates();
        var behind = new Dictionary<string, (long At, long End)>();
        foreach (var (tenant, end) in await record.Read(null, ClosedTurnReads.TreeSizes, cancellation))
        {
            if (tenant == IRegistry.Cluster)
                continue;
            if (await BeginningAsync(tenant, states.TryGetValue(tenant, out var state) ? state : null, cancellation) is { } at && at < end)
                behind[tenant] = (at, end);
        }
        while (behind.Count > 0)
        {
            // One page of each at a time: a tenant with much to do holds up nobody.
            foreach (var (tenant, (at, end)) in behind.ToArray())
            {
                cancellation.ThrowIfCancellationRequested();
                if (await AdvanceAsync(tenant, at, end, cancellation) is var next && next < end)
                    behind[tenant] = (next, end);
                else
                    behind.Remove(tenant);
            }
        }
    }

    /// <summary>How far the tenant's index is; null where it is not ours to go on with.</summary>
    private async Task<long?> BeginningAsync(string tenant, (Digest Scheme, long Leaves, Digest Root)? state, CancellationToken cancellation)
    {
        await connection.EnterAsync(tenant);
        // Each time: the key may have been replaced.
        var scheme = _schemes[tenant] = (await termsOf(tenant)).Scheme;
        if (state is var (theirs, _, _) && theirs != scheme)
        {
            if (_foreign.Add(tenant))
                foreign(tenant);
            return null;
        }
        if (state is var (_, leaves, root))
        {
            if (_known.Contains(tenant) || await RootAsync(tenant, leaves, cancellation) == root)
            {
                _known.Add(tenant);
                return leaves;
            }
            // It is that of another record, or of this one before an older copy was put in its place.
            await connection.DropAsync(tenant);
        }
        await connection.ExecuteAsync(
            "INSERT INTO search_state (tenant, scheme, leaves, root) VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING", tenant, scheme.ToArray(), TreeHash.Empty.ToArray());
        _foreign.Remove(tenant);
        _known.Add(tenant);
        return 0;
    }

    /// <returns>How far it is then.</returns>
    private async Task<long> AdvanceAsync(string tenant, long at, long end, CancellationToken cancellation)
    {
        await connection.EnterAsync(tenant);
        // Not kept: tenants are many, and what makes their terms may be large.
        var terms = await termsOf(tenant);
        if (terms.Scheme != _schemes[tenant])
            throw new IndexTakenException();
        var (turns, next) = (new List<IndexedTurn>(), at);
        // Where there is much to do, whole segments are made at once.
        while (next < end && turns.Count < segmentTurns)
        {
            (var closed, next) = await record.ReadClosedTurnsAsync(tenant, next, cancellation: cancellation);
            turns.AddRange(closed.Select(turn => IndexedTurn.Of(turn, terms.Of(turn))));
        }
        if (await RootAsync(tenant, next, cancellation) is not { } root)
            throw new InvalidDataException($"the tree of '{tenant}' is shorter than it was");

        await BeginAsync(tenant, at, next, root);
        var isFull = await AddAsync(tenant, turns);
        await connection.CommitAsync();
        for (var level = 1; isFull && level < Segment.LevelMax; level++)
        {
            while (await MergeAsync(tenant, level, next, root))
            {
            }
        }
        return next;
    }

    /// <summary>Begins a transaction that holds the tenant's row: whoever else builds or drops the index waits, or finds out.</summary>
    private async Task BeginAsync(string tenant, long at, long next, Digest root)
    {
        await connection.BeginAsync();
        if (await connection.ExecuteAsync(
            "UPDATE search_state SET leaves = $3, root = $4 WHERE tenant = $1 AND leaves = $2 AND scheme = $5", tenant, at, next, root.ToArray(), _schemes[tenant].ToArray()) != 1)
        {
            throw new IndexTakenException();
        }
    }

    /// <returns>Whether they filled a segment.</returns>
    private async Task<bool> AddAsync(string tenant, List<IndexedTurn> turns)
    {
        var waiting = (await connection.Reads.Query("SELECT count(*) FROM search_tail WHERE tenant = $1", row => row.GetInt64(0), tenant)).Single();
        var isFull = waiting + turns.Count >= segmentTurns;
        if (isFull && waiting > 0)
        {
            turns = [.. await connection.Reads.Tail(tenant), .. turns];
            await connection.ExecuteAsync("DELETE FROM search_tail WHERE tenant = $1", tenant);
        }
        foreach (var some in turns.Chunk(segmentTurns))
        {
            if (some.Length == segmentTurns)
                await AddSegmentAsync(tenant, some);
            else
                await connection.ExecuteAllAsync(
                    "INSERT INTO search_tail (tenant, leaf, time, terms) VALUES ($1, $2, $3, $4)",
                    Array.ConvertAll<IndexedTurn, object?[]>(some, turn => [tenant, turn.Leaf, turn.Time, turn.EncodeTerms()]));
        }
        return isFull;
    }

    private async Task AddSegmentAsync(string tenant, IndexedTurn[] turns)
    {
        var segment = new Segment(1, turns[0].Leaf, turns[^1].Leaf, turns.Length, turns.Min(turn => turn.Time), turns.Max(turn => turn.Time));
        await AddAsync(tenant, segment, turns.Select(turn => (turn.Leaf, turn.Time)));
        await AddBlocksAsync(tenant, segment, PostingBlock.Write(LeavesByTerm(turns), segment.Level, segment.First));
    }

    /// <summary>Makes one of the oldest segments of the level.</summary>
    /// <returns>False where there are not enough.</returns>
    private async Task<bool> MergeAsync(string tenant, int level, long at, Digest root)
    {
        if (await connection.Reads.Segments(tenant, level) is not { Count: >= Segment.FanIn } all)
            return false;
        await BeginAsync(tenant, at, at, root);
        var segments = all.GetRange(0, Segment.FanIn);
        var times = new List<(long Leaf, long Time)>();
        foreach (var segment in segments)
            times.AddRange(await connection.Reads.Times(tenant, segment));
        var merged = new Segment(
            level + 1, segments[0].First, segments[^1].Last, segments.Sum(segment => segment.Turns), segments.Min(segment => segment.Earliest), segments.Max(segment => segment.Latest));
        await connection.ExecuteAsync("DELETE FROM search_segment WHERE tenant = $1 AND level = $2 AND first <= $3", tenant, level, segments[^1].First);
        await AddAsync(tenant, merged, times);
        for (var block = 0; block < Segment.Blocks(level); block++)
        {
            if (await connection.Reads.Blocks(tenant, segments, block) is { Count: > 0 } blocks)
                await AddBlocksAsync(tenant, merged, PostingBlock.Write(PostingBlock.Read(blocks), merged.Level, merged.First));
        }
        await connection.ExecuteAsync("DELETE FROM search_block WHERE tenant = $1 AND level = $2 AND segment <= $3", tenant, level, segments[^1].First);
        await connection.CommitAsync();
        return true;
    }

    private Task AddAsync(string tenant, Segment segment, IEnumerable<(long Leaf, long Time)> turns) => connection.ExecuteAsync(
        "INSERT INTO search_segment (tenant, level, first, last, turns, earliest, latest, times) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant, segment.Level, segment.First, segment.Last, segment.Turns, segment.Earliest, segment.Latest, TurnTimes.Encode(turns, segment.First));

    private Task AddBlocksAsync(string tenant, Segment segment, IEnumerable<(int Block, byte[] Bytes)> blocks) => connection.ExecuteAllAsync(
        "INSERT INTO search_block (tenant, level, block, segment, postings) VALUES ($1, $2, $3, $4, $5)",
        [.. blocks.Select(block => new object?[] { tenant, segment.Level, block.Block, segment.First, block.Bytes })]);

    private static IEnumerable<KeyValuePair<uint, List<long>>> LeavesByTerm(IndexedTurn[] turns)
    {
        // By term, then by turn; one sort of numbers.
        var pairs = turns.SelectMany((turn, number) => turn.Terms.Select(term => (ulong)term << 32 | (uint)number)).ToArray();
        Array.Sort(pairs);
        for (var at = 0; at < pairs.Length;)
        {
            var (term, leaves) = ((uint)(pairs[at] >> 32), new List<long>());
            for (; at < pairs.Length && (uint)(pairs[at] >> 32) == term; at++)
                leaves.Add(turns[(int)(uint)pairs[at]].Leaf);
            yield return new(term, leaves);
        }
    }

    private Task<Digest?> RootAsync(string tenant, long leaves, CancellationToken cancellation) => record.Read(tenant, reads => reads.TreeRoot(tenant, leaves), cancellation);
}

/// <summary>The index was dropped meanwhile, or is built by another process: what is there is to be looked at anew.</summary>
internal sealed class IndexTakenException : Exception;
