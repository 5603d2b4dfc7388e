namespace R1Grains.Ledger.Search;

/// <summary>Takes the words of turns out of a tenant's index; what else is known about them stays.</summary>
internal static class IndexErasure
{
    /// <param name="leaves">Of the turns' ends.</param>
    /// <returns>False where the index has not seen all of them yet, and would put them in again.</returns>
    public static async Task<bool> EraseAsync(this IndexConnection connection, string tenant, IReadOnlySet<long> leaves)
    {
        if (leaves.Count == 0)
            return true;
        await connection.EnterAsync(tenant);
        await connection.BeginAsync();
        // Whoever builds or drops the index waits.
        var seen = await connection.Reads.Query("UPDATE search_state SET leaves = leaves WHERE tenant = $1 RETURNING leaves", row => row.GetInt64(0), tenant);
        if (seen.Count > 0 && seen[0] <= leaves.Max())
        {
            await connection.RollBackAsync();
            return false;
        }
        foreach (var turn in (await connection.Reads.Tail(tenant)).Where(turn => leaves.Contains(turn.Leaf)))
            await connection.ExecuteAsync(
                "UPDATE search_tail SET terms = $3 WHERE tenant = $1 AND leaf = $2", tenant, turn.Leaf, (turn with { Terms = [.. turn.Terms.Where(IsFact)] }).EncodeTerms());
        for (var level = 1; level <= Segment.LevelMax; level++)
        {
            var segments = (await connection.Reads.Segments(tenant, level)).Where(segment => leaves.Any(leaf => leaf >= segment.First && leaf <= segment.Last)).ToList();
            if (segments.Count > 0)
                await EraseAsync(connection, tenant, segments, leaves);
        }
        await connection.CommitAsync();
        return true;
    }

    private static async Task EraseAsync(IndexConnection connection, string tenant, List<Segment> segments, IReadOnlySet<long> leaves)
    {
        var (level, wanted) = (segments[0].Level, segments.Select(segment => segment.First).ToHashSet());
        // Facts are in the blocks behind.
        for (var number = 0; number < Segment.BlockOf(IndexTerms.FactBit, level); number++)
        {
            foreach (var (first, block) in (await connection.Reads.Blocks(tenant, segments, number)).Where(block => wanted.Contains(block.First)))
            {
                if (PostingBlock.Without(block, leaves, level, first) is { } rest)
                    await connection.ExecuteAsync(
                        "UPDATE search_block SET postings = $5 WHERE tenant = $1 AND level = $2 AND block = $3 AND segment = $4", tenant, level, number, first, rest);
            }
        }
    }

    private static bool IsFact(uint term) => term >= IndexTerms.FactBit;
}
