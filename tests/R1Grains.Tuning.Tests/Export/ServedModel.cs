using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Tuning.Qwen2;

namespace R1Grains.Tuning.Tests.Export;

/// <summary>One sequence on ONNX Runtime alone, as plainly as the layout allows: no batching, caches copied each step.</summary>
internal sealed class ServedModel : IDisposable
{
    private readonly InferenceSession _session;
    private readonly Qwen2Config _config;
    private readonly Dictionary<string, DenseTensor<float>> _past = [];
    private int _length;

    public ServedModel(string folder, Qwen2Config config)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1 };
        _session = new InferenceSession(Path.Combine(folder, "model.onnx"), options);
        _config = config;
        for (var i = 0; i < config.Layers; i++)
            foreach (var part in new[] { "key", "value" })
                _past[$"{i}.{part}"] = new DenseTensor<float>([1, config.KeyValueHeads, 0, config.HeadSize]);
    }

    /// <returns>The logits after the last of <paramref name="ids"/>.</returns>
    public float[] Run(ReadOnlySpan<int> ids)
    {
        _length += ids.Length;
        long[] tokens = [.. ids.ToArray().Select(i => (long)i)];
        List<NamedOnnxValue> inputs =
        [
            NamedOnnxValue.CreateFromTensor("input_ids", new DenseTensor<long>(tokens, [1, tokens.Length])),
            NamedOnnxValue.CreateFromTensor("attention_mask", new DenseTensor<long>(Enumerable.Repeat(1L, _length).ToArray(), [1, _length])),
            .. _past.Select(p => NamedOnnxValue.CreateFromTensor("past_key_values." + p.Key, p.Value)),
        ];
        using var outputs = _session.Run(inputs);
        foreach (var key in _past.Keys.ToList())
            _past[key] = outputs.Single(o => o.Name == "present." + key).AsTensor<float>().ToDenseTensor();
        return [.. outputs.Single(o => o.Name == "logits").AsTensor<float>()];
    }

    public void Dispose() => _session.Dispose();
}
