using System.Numerics.Tensors;

namespace R1Grains.Engine;

/// <summary>
/// Draws an id from logits. The result is a function of (seed, position, logits, ids seen) and of nothing else: no
/// state goes from one draw to the next, so neighbours, load and interruptions cannot change it.
/// </summary>
/// <remarks>
/// Only what decides is put in order: weights are counted by their leading bits first, and of the one group in which the
/// limit falls the members are sorted. A whole vocabulary in order would cost more than a decode step.
/// </remarks>
/// <param name="vocabulary">Ids from here on (padding of the logits) are never drawn.</param>
internal sealed class Sampler(int vocabulary)
{
    // Exponent and four bits of the mantissa: a group's weights differ by at most one sixteenth.
    private const int GroupShift = 19;

    // Weights are at most 1.
    private static readonly int Groups = Group(1) + 1;

    private readonly float[] _penalised = new float[vocabulary];
    private readonly float[] _weights = new float[vocabulary];
    private readonly ulong[] _ranked = new ulong[vocabulary];
    private readonly int[] _counts = new int[Groups];
    private readonly double[] _sums = new double[Groups];

    /// <param name="position">Index of the id in its reply.</param>
    /// <param name="seen">Distinct ids of prompt and reply so far; read only when there is a repetition penalty.</param>
    /// <exception cref="InvalidOperationException">The logits are no numbers.</exception>
    public int Sample(ReadOnlySpan<float> logits, SamplingOptions options, int position, HashSet<int> seen)
    {
        logits = logits[..vocabulary];
        if (options.RepetitionPenalty != 1) logits = Penalise(logits, options.RepetitionPenalty, seen);
        var best = TensorPrimitives.Max(logits);
        if (!float.IsFinite(best)) throw new InvalidOperationException($"The largest logit is {best}.");
        if (options.Temperature == 0) return logits.IndexOf(best);

        Weigh(logits, best, options.Temperature, _weights);
        var uniform = Philox.Uniform(options.Seed, (ulong)position);
        if (options.TopK > 0 && options.TopK < vocabulary) return DrawRanked(Likeliest(options.TopK), options.TopP, uniform);
        return Draw(options.TopP < 1 ? NucleusEnd(options.TopP) : ulong.MaxValue, uniform);
    }

    /// <summary>What ids weigh in a draw: 1 for the likeliest.</summary>
    internal static float[] Weights(ReadOnlySpan<float> logits, float temperature)
    {
        var weights = new float[logits.Length];
        Weigh(logits, TensorPrimitives.Max(logits), temperature, weights);
        return weights;
    }

    private static void Weigh(ReadOnlySpan<float> logits, float best, float temperature, Span<float> weights)
    {
        TensorPrimitives.Subtract(logits, best, weights);
        TensorPrimitives.Divide(weights, temperature, weights);
        TensorPrimitives.Exp<float>(weights, weights);
    }

    private ReadOnlySpan<float> Penalise(ReadOnlySpan<float> logits, float penalty, HashSet<int> seen)
    {
        logits.CopyTo(_penalised);
        foreach (var id in seen)
            if (id < vocabulary)
                _penalised[id] = _penalised[id] > 0 ? _penalised[id] / penalty : _penalised[id] * penalty;
        return _penalised;
    }

    /// <summary>The so many likeliest ids, likeliest first, smaller id first among equals.</summary>
    private ReadOnlySpan<ulong> Likeliest(int count)
    {
        Array.Clear(_counts);
        foreach (var weight in _weights) _counts[Group(weight)]++;
        var (group, found) = (Groups, 0);
        while (found < count) found += _counts[--group];
        return Rank(group, Groups)[..count];
    }

    /// <summary>Draws from the fewest of the ranked ids whose weight reaches <paramref name="topP"/> of theirs all.</summary>
    private int DrawRanked(ReadOnlySpan<ulong> ranked, float topP, double uniform)
    {
        var (total, kept, sum) = (0.0, 0, 0.0);
        foreach (var key in ranked) total += _weights[Id(key)];
        while (kept < ranked.Length && sum < topP * total) sum += _weights[Id(ranked[kept++])];
        var left = uniform * sum;
        for (var i = 0; i < kept - 1; i++)
            if ((left -= _weights[Id(ranked[i])]) < 0)
                return Id(ranked[i]);
        return Id(ranked[kept - 1]);
    }

    /// <summary>The key of the last of the fewest likeliest ids whose weight reaches <paramref name="topP"/> of all.</summary>
    private ulong NucleusEnd(float topP)
    {
        Array.Clear(_sums);
        foreach (var weight in _weights) _sums[Group(weight)] += weight;
        var total = 0.0;
        foreach (var weight in _sums) total += weight;
        var (group, sum) = (Groups - 1, 0.0);
        while (group > 0 && sum + _sums[group] < topP * total) sum += _sums[group--];
        var ranked = Rank(group, group + 1);
        foreach (var key in ranked)
            if ((sum += _weights[Id(key)]) >= topP * total)
                return key;
        return ranked.Length > 0 ? ranked[^1] : ulong.MaxValue;
    }

    /// <summary>Draws from the ids whose keys are at most <paramref name="end"/>, in the order of ids.</summary>
    private int Draw(ulong end, double uniform)
    {
        var weight = end == ulong.MaxValue ? 0 : _weights[Id(end)];
        var last = Id(end);
        for (var id = 0; id < vocabulary; id++)
            if (_weights[id] < weight || (_weights[id] == weight && id > last && end != ulong.MaxValue))
                _weights[id] = 0;
        var total = 0.0;
        foreach (var kept in _weights) total += kept;
        var (left, drawn) = (uniform * total, 0);
        for (var id = 0; id < vocabulary; id++)
        {
            if (_weights[id] == 0) continue;
            drawn = id;
            if ((left -= _weights[id]) < 0) break;
        }
        return drawn;
    }

    /// <summary>The ids of these groups in order.</summary>
    private ReadOnlySpan<ulong> Rank(int first, int end)
    {
        var count = 0;
        for (var id = 0; id < vocabulary; id++)
            if (Group(_weights[id]) is var group && group >= first && group < end)
                _ranked[count++] = Key(_weights[id], id);
        _ranked.AsSpan(0, count).Sort();
        return _ranked.AsSpan(0, count);
    }

    private static int Group(float weight) => (int)(BitConverter.SingleToUInt32Bits(weight) >> GroupShift);

    // Sorts by descending weight, then ascending id; weights are not negative, so their bits are in their order.
    private static ulong Key(float weight, int id) => (ulong)~BitConverter.SingleToUInt32Bits(weight) << 32 | (uint)id;

    private static int Id(ulong key) => (int)(uint)key;
}
