namespace R1Grains.Tuning.Training;

/// <summary>
/// Which samples share a step. A pure function of lengths, seed and epoch, so that a resumed run sees what an
/// uninterrupted one would have seen.
/// </summary>
public sealed class BatchPlan(IReadOnlyList<Sample> samples, int tokensPerStep, int seed)
{
    /// <summary>Samples that are sorted by length together: long enough for little padding, short enough to stay mixed.</summary>
    private const int SortedTogether = 2_048;

    /// <returns>The epoch's batches in training order, each a list of sample indexes that pads to at most the step's tokens.</returns>
    public List<int[]> Epoch(int epoch)
    {
        var random = new Random(unchecked(seed * 1_000_003 + epoch));
        var order = Enumerable.Range(0, samples.Count).ToArray();
        random.Shuffle(order);
        var batches = new List<int[]>();
        foreach (var chunk in order.Chunk(SortedTogether))
        {
            Array.Sort([.. chunk.Select(i => samples[i].Ids.Length)], chunk);
            for (var from = 0; from < chunk.Length;)
            {
                var to = from + 1;
                while (to < chunk.Length && (to + 1 - from) * samples[chunk[to]].Ids.Length <= tokensPerStep)
                    to++;
                batches.Add(chunk[from..to]);
                from = to;
            }
        }
        var shuffled = batches.ToArray();
        random.Shuffle(shuffled);
        return [.. shuffled];
    }
}
