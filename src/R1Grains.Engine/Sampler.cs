using System.Numerics;
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

    private const int BlockLength = 128;

    // Weights are at most 1.
    private static readonly int Groups = Group(1) + 1;

    private readonly float[] _penalised = new float[vocabulary];
    private readonly float[] _weights = new float[vocabulary];
    private readonly ulong[] _ranked = new ulong[vocabulary];
    private readonly int[] _counts = new int[Groups];
    private readonly double[] _sums = new double[Groups];
    private readonly double[] _otherSums = new double[Groups];
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

    /// <summary>Drops all but the fewest likeliest ids whose weight reaches <paramref name="topP"/> of all.</summary>
    private void KeepNucleus(float topP)
    {
        var total = SumGroups();
        var (group, sum) = (Groups - 1, 0.0);
        while (group > 0 && sum + _sums[group] < topP * total) sum += _sums[group--];
        var last = ulong.MaxValue;
        foreach (var key in Rank(group, group + 1))
        {
            (last, sum) = (key, sum + _weights[Id(key)]);
            if (sum >= topP * total) break;
        }
        if (last == ulong.MaxValue) return; // Rounding alone left nothing to choose from: everything is kept.

        // Of the ids that weigh as much as the last one, the greater ones are not kept.
        var least = _weights[Id(last)];
        for (var at = Id(last) + 1; _weights.AsSpan(at).IndexOf(least) is >= 0 and var next; at += next + 1) _weights[at + next] = 0;
        DropBelow(_weights, least);
    }

    /// <summary>What the ids of each group weigh, in <see cref="_sums"/>; returns what all weigh.</summary>
    private double SumGroups()
    {
        // Two tables in turn: neighbouring ids of one group would wait for each other.
        Array.Clear(_sums);
        Array.Clear(_otherSums);
        var id = 0;
        for (; id + 1 < _weights.Length; id += 2)
        {
            _sums[Group(_weights[id])] += _weights[id];
            _otherSums[Group(_weights[id + 1])] += _weights[id + 1];
        }
        if (id < _weights.Length) _sums[Group(_weights[id])] += _weights[id];
        var total = 0.0;
        for (var group = 0; group < Groups; group++) total += _sums[group] += _otherSums[group];
        return total;
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
        // A sum per block, in an order that is the same on every machine.
        var total = 0.0;
        for (var block = 0; block < _blocks.Length; block++) total += _blocks[block] = Sum(Block(block));
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

    private static double Sum(ReadOnlySpan<float> weights)
    {
        var (a, b, c, d, i) = (0.0, 0.0, 0.0, 0.0, 0);
        for (; i + 3 < weights.Length; i += 4)
        {
            a += weights[i];
            b += weights[i + 1];
            c += weights[i + 2];
            d += weights[i + 3];
        }
        for (; i < weights.Length; i++) a += weights[i];
        return a + b + (c + d);
    }

    /// <summary>The ids of these groups in order.</summary>
    private ReadOnlySpan<ulong> Rank(int first, int end)
    {
        var (least, above) = (new Vector<float>(Lowest(first)), new Vector<float>(Lowest(end)));
        var (count, id) = (0, 0);
        for (; id <= vocabulary - Vector<float>.Count; id += Vector<float>.Count)
        {
            var some = new Vector<float>(_weights, id);
            if (Vector.GreaterThanOrEqualAny(some, least) && Vector.LessThanAny(some, above))
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
