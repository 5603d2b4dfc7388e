using System.Numerics.Tensors;

namespace R1Grains.Engine;

/// <summary>
/// Draws an id from logits. The result is a function of (seed, position, logits, ids seen) and of nothing else: no
/// state goes from one draw to the next, so neighbours, load and interruptions cannot change it.
/// </summary>
/// <param name="vocabulary">Ids from here on (padding of the logits) are never drawn.</param>
internal sealed class Sampler(int vocabulary)
{
    // An id e^-24 times as likely as the best is never drawn: all of them together stay below one in 100,000.
    private const float NegligibleBelow = 24;

    private readonly float[] _penalised = new float[vocabulary];
    private readonly ulong[] _ranked = new ulong[vocabulary];
    private readonly double[] _weights = new double[vocabulary];

    /// <param name="position">Index of the id in its reply.</param>
    /// <param name="seen">Distinct ids of prompt and reply so far; read only when there is a repetition penalty.</param>
    public int Sample(ReadOnlySpan<float> logits, SamplingOptions options, int position, IReadOnlyCollection<int> seen)
    {
        logits = logits[..vocabulary];
        if (options.RepetitionPenalty != 1) logits = Penalise(logits, options.RepetitionPenalty, seen);
        var best = TensorPrimitives.Max(logits);
        if (!float.IsFinite(best)) throw new InvalidOperationException($"The largest logit is {best}.");
        if (options.Temperature == 0) return logits.IndexOf(best);

        var ranked = Rank(logits, best - NegligibleBelow * options.Temperature, options.TopK);
        var (total, count) = (0.0, 0);
        for (; count < ranked.Length; count++) total += _weights[count] = Math.Exp((logits[Id(ranked[count])] - best) / (double)options.Temperature);
        (total, count) = Nucleus(total, count, options.TopP);
        return Id(ranked[Draw(total, count, Philox.Uniform(options.Seed, (ulong)position))]);
    }

    private ReadOnlySpan<float> Penalise(ReadOnlySpan<float> logits, float penalty, IReadOnlyCollection<int> seen)
    {
        logits.CopyTo(_penalised);
        foreach (var id in seen)
            if (id < vocabulary)
                _penalised[id] = _penalised[id] > 0 ? _penalised[id] / penalty : _penalised[id] * penalty;
        return _penalised;
    }

    /// <summary>Ids with a logit of at least <paramref name="threshold"/>, likeliest first, smaller id first among equals.</summary>
    private ReadOnlySpan<ulong> Rank(ReadOnlySpan<float> logits, float threshold, int topK)
    {
        var count = 0;
        for (var id = 0; id < logits.Length; id++)
            if (logits[id] >= threshold)
                _ranked[count++] = Key(logits[id], id);
        _ranked.AsSpan(0, count).Sort();
        return _ranked.AsSpan(0, topK > 0 ? Math.Min(topK, count) : count);
    }

    /// <summary>The fewest of the likeliest ids whose weight reaches <paramref name="topP"/> of the total.</summary>
    private (double Total, int Count) Nucleus(double total, int count, float topP)
    {
        if (topP >= 1) return (total, count);
        var (sum, kept) = (0.0, 0);
        while (kept < count && sum < topP * total) sum += _weights[kept++];
        return (sum, kept);
    }

    private int Draw(double total, int count, double uniform)
    {
        var left = uniform * total;
        for (var i = 0; i < count - 1; i++)
            if ((left -= _weights[i]) < 0)
                return i;
        return count - 1;
    }

    // A key that sorts by descending logit, then ascending id.
    private static ulong Key(float logit, int id)
    {
        var bits = BitConverter.SingleToUInt32Bits(logit);
        var ascending = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
        return (ulong)~ascending << 32 | (uint)id;
    }

    private static int Id(ulong key) => (int)(uint)key;
}
