using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using R1Grains.Engine.Models;
using Served = R1Grains.Engine.Models.ModelFolder;

namespace R1Grains.Tuning.Export;

/// <summary>The largest keys and values that a model computes over some texts: per layer, head and channel.</summary>
/// <param name="Keys">
/// By layer, [heads, head size]. Rotary embedding turns two channels into each other as a position grows, so both have
/// the largest length of their pair: what holds at any position, however short the texts are.
/// </param>
/// <param name="Values">By layer, [heads, head size].</param>
internal sealed record CacheRange(float[][] Keys, float[][] Values)
{
    /// <param name="interleaved">Pairs are neighbours (2j, 2j+1) instead of halves (j, j + size/2).</param>
    public static CacheRange Measure(Served folder, IEnumerable<int[]> texts, bool interleaved)
    {
        var config = folder.Config;
        var width = config.KvHeads * config.HeadSize;
        CacheRange range = new(Empty(), Empty());
        string[] keys = Names(config.PresentKeys), values = Names(config.PresentValues), pasts = [.. Names(config.PastKeys), .. Names(config.PastValues)];
        using var session = new InferenceSession(folder.OnnxPath);
        using var options = new RunOptions();
        using var past = OrtValue.CreateTensorValueFromMemory<float>([], [1, config.KvHeads, 0, config.HeadSize]);
        foreach (var ids in texts)
        {
            using var tokens = OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(ids, id => (long)id), [1, ids.Length]);
            using var mask = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, ids.Length).ToArray(), [1, ids.Length]);
            using var presents = session.Run(options, [config.InputIds, config.AttentionMask, .. pasts], [tokens, mask, .. pasts.Select(_ => past)], [.. keys, .. values]);
            for (var layer = 0; layer < config.Layers; layer++)
            {
                range.AddKeys(layer, presents[layer].GetTensorDataAsSpan<float>(), config.HeadSize, ids.Length, interleaved);
                range.AddValues(layer, presents[config.Layers + layer].GetTensorDataAsSpan<float>(), config.HeadSize, ids.Length);
            }
        }
        return range;

        float[][] Empty() => [.. Enumerable.Range(0, config.Layers).Select(_ => new float[width])];
        string[] Names(string pattern) => [.. Enumerable.Range(0, config.Layers).Select(layer => pattern.Replace("%d", $"{layer}", StringComparison.Ordinal))];
    }

    /// <param name="keys">[heads, length, head size].</param>
    private void AddKeys(int layer, ReadOnlySpan<float> keys, int size, int length, bool interleaved)
    {
        for (var at = 0; at < keys.Length; at += size)
        {
            var channels = Keys[layer].AsSpan(at / (length * size) * size, size);
            for (var pair = 0; pair < size / 2; pair++)
            {
                var (a, b) = interleaved ? (2 * pair, 2 * pair + 1) : (pair, pair + size / 2);
                channels[a] = channels[b] = Math.Max(channels[a], MathF.Sqrt(keys[at + a] * keys[at + a] + keys[at + b] * keys[at + b]));
            }
        }
    }

    private void AddValues(int layer, ReadOnlySpan<float> values, int size, int length)
    {
        for (var at = 0; at < values.Length; at += size)
        {
            var channels = Values[layer].AsSpan(at / (length * size) * size, size);
            TensorPrimitives.MaxMagnitude(channels, values.Slice(at, size), channels);
        }
        TensorPrimitives.Abs(Values[layer], Values[layer]);
    }
}
