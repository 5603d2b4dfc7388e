using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace R1Grains.Engine;

/// <summary>
/// Draws an id from logits. The result is a function of (seed, position, logits, ids seen) and of nothing else: no
/// state goes from one draw to the next, so neighbours, load and interruptions cannot change it.
/// </summary>
/// <remarks>
/// Only what decides is put in order: ids fall into groups by the leading bits of their weights, a search over the groups
/// finds the one in which the limit lies, and its members are sorted. A whole vocabulary in order would cost more than a
/// decode step.
/// </remarks>
/// <param name="vocabulary">Ids from here on (padding of the logits) are never drawn.</param>
internal sealed class Sampler(int vocabulary)
{
    // Exponent and eight bits of the mantissa: a group's weights differ by less than half a percent.
    private const int GroupShift = 15;

    private const int BlockLength = 256;

    // Weights are at most 1.
    private static readonly int Groups = Group(1) + 1;

    private readonly float[] _penalised = new float[vocabulary];
    private readonly float[] _weights = new float[vocabulary];
    private readonly ulong[] _ranked = new ulong[vocabulary];
    private readonly double[] _blocks = new double[(vocabulary + BlockLength - 1) / BlockLength];

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
        if (options.TopP < 1) KeepNucleus(options.TopP);
        return Draw(uniform);
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
        var (group, end) = (0, Groups);
        while (end - group > 1)
            if ((group + end) / 2 is var middle && CountFrom(Lowest(middle)) >= count) group = middle;
            else end = middle;
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

    /// <summary>Drops all but the fewest likeliest ids whose weight reaches <paramref name="topP"/> of all.</summary>
    private void KeepNucleus(float topP)
    {
        var enough = topP * SumFrom(0, _weights);
        // The highest group that reaches it together with those above.
        var (group, end) = (0, Groups);
        while (end - group > 1)
            if ((group + end) / 2 is var middle && SumFrom(Lowest(middle), _weights) >= enough) group = middle;
            else end = middle;
        var (sum, last) = (SumFrom(Lowest(end), _weights), ulong.MaxValue);
        foreach (var key in Rank(group, end))
        {
            (last, sum) = (key, sum + _weights[Id(key)]);
            if (sum >= enough) break;
        }
        if (last == ulong.MaxValue) return; // Rounding alone left nothing to choose from: everything is kept.

        // Of the ids that weigh as much as the last one, the greater ones are not kept.
        var least = _weights[Id(last)];
        for (var at = Id(last) + 1; _weights.AsSpan(at).IndexOf(least) is >= 0 and var next; at += next + 1) _weights[at + next] = 0;
        DropBelow(_weights, least);
    }

    /// <summary>What the ids that weigh at least so much weigh together, added in an order that is the same on every machine.</summary>
    private static double SumFrom(float least, ReadOnlySpan<float> weights)
    {
        var (even, odd, limit, id) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512.Create(least), 0);
        ref var first = ref MemoryMarshal.GetReference(weights);
        for (; id <= weights.Length - 2 * Vector512<float>.Count; id += 2 * Vector512<float>.Count)
        {
            var some = Vector512.LoadUnsafe(ref first, (nuint)id);
            var others = Vector512.LoadUnsafe(ref first, (nuint)(id + Vector512<float>.Count));
            even += some & Vector512.GreaterThanOrEqual(some, limit);
            odd += others & Vector512.GreaterThanOrEqual(others, limit);
        }
        var (sums, sum) = (even + odd, 0.0);
        for (var lane = 0; lane < Vector512<float>.Count; lane++) sum += sums[lane];
        for (; id < weights.Length; id++)
            if (weights[id] >= least)
                sum += weights[id];
        return sum;
    }

    private int CountFrom(float least)
    {
        var (counts, limit, id) = (Vector512<int>.Zero, Vector512.Create(least), 0);
        ref var first = ref MemoryMarshal.GetArrayDataReference(_weights);
        for (; id <= vocabulary - Vector512<float>.Count; id += Vector512<float>.Count)
            counts -= Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref first, (nuint)id), limit).AsInt32();
        var count = Vector512.Sum(counts);
        for (; id < vocabulary; id++)
            if (_weights[id] >= least)
                count++;
        return count;
    }

    private static void DropBelow(Span<float> weights, float least)
    {
        var (id, limit) = (0, new Vector<float>(least));
        for (; id <= weights.Length - Vector<float>.Count; id += Vector<float>.Count)
        {
            var some = new Vector<float>(weights[id..]);
            Vector.ConditionalSelect(Vector.GreaterThanOrEqual(some, limit), some, Vector<float>.Zero).CopyTo(weights[id..]);
        }
        for (; id < weights.Length; id++)
            if (weights[id] < least)
                weights[id] = 0;
    }

    /// <summary>Draws from all ids that weigh anything, in the order of ids.</summary>
    private int Draw(double uniform)
    {
        var total = 0.0;
        for (var block = 0; block < _blocks.Length; block++) total += _blocks[block] = SumFrom(0, Block(block));
        var left = uniform * total;
        for (var block = 0; block < _blocks.Length; block++)
        {
            if (_blocks[block] <= left)
            {
                left -= _blocks[block];
                continue;
            }
            var weights = Block(block);
            for (var i = 0; i < weights.Length; i++)
                if (weights[i] > 0 && (left -= weights[i]) < 0)
                    return block * BlockLength + i;
        }
        return _weights.AsSpan().LastIndexOfAnyExcept(0f); // Rounding alone left something over.
    }

    private ReadOnlySpan<float> Block(int block) => _weights.AsSpan(block * BlockLength, Math.Min(BlockLength, vocabulary - block * BlockLength));

    /// <summary>The ids of these groups in order.</summary>
    private ReadOnlySpan<ulong> Rank(int first, int end)
    {
        var (least, above) = (new Vector<float>(Lowest(first)), new Vector<float>(Lowest(end)));
        var (count, id) = (0, 0);
        for (; id <= vocabulary - Vector<float>.Count; id += Vector<float>.Count)
        {
            var some = new Vector<float>(_weights, id);
            if ((Vector.GreaterThanOrEqual(some, least) & Vector.LessThan(some, above)) != Vector<int>.Zero)
                for (var i = id; i < id + Vector<float>.Count; i++) Take(i);
        }
        for (; id < vocabulary; id++) Take(id);
        _ranked.AsSpan(0, count).Sort();
        return _ranked.AsSpan(0, count);

        void Take(int id)
        {
            if (Group(_weights[id]) is var group && group >= first && group < end) _ranked[count++] = Key(_weights[id], id);
        }
    }

    private static float Lowest(int group) => BitConverter.UInt32BitsToSingle((uint)group << GroupShift);

    private static int Group(float weight) => (int)(BitConverter.SingleToUInt32Bits(weight) >> GroupShift);

    // Sorts by descending weight, then ascending id; weights are not negative, so their bits are in their order.
    private static ulong Key(float weight, int id) => (ulong)~BitConverter.SingleToUInt32Bits(weight) << 32 | (uint)id;

    private static int Id(ulong key) => (int)(uint)key;
}
