using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>The attention of a model: query heads, heads of keys and values, elements of a head.</summary>
internal readonly record struct AttentionShape(int Heads, int KvHeads, int HeadSize);

/// <summary>
/// Computes GroupQueryAttention on a device and on the CPU and compares. A provider that was built against another
/// revision of ONNX Runtime may read the operator's inputs in another order, and says nothing: it computes nonsense.
/// The graph is one node with the served model's heads, so that it costs milliseconds however large the model is, and
/// the runs are those of serving: whole prompts, a chunk after a history, rows of different lengths that decode at once,
/// all appending in place.
/// </summary>
internal static class AttentionTest
{
    private const int Positions = 128;
    private const int Chunk = 24;
    private const int Seed = 1;

    /// <summary>Of the greatest value: eight times what rounding one number to the type can change. Sums are taken in float32 on both sides; what is rounded are inputs, weights and results. A wrong operand changes values by as much as they are.</summary>
    private const int RoundingsMax = 8;

    private static readonly int[] Prompts = [40, 17, 64];

    /// <exception cref="DeviceException">The results differ, or the device cannot compute them.</exception>
    public static void Require(Device device, TensorElementType type, AttentionShape shape)
    {
        IReadOnlyList<Result> actual;
        using var cpu = new CpuDevice();
        var expected = Compute(cpu, TensorElementType.Float, shape, type);
        try
        {
            actual = Compute(device, type, shape, type);
        }
        catch (OnnxRuntimeException failed)
        {
            throw new DeviceException($"{device.Name} cannot compute GroupQueryAttention ({device.Provider}): {failed.Message}", failed);
        }
        if (Mismatch(expected, actual, type) is { } mismatch)
            throw new DeviceException($"{device.Name} computes GroupQueryAttention otherwise than the CPU does: {mismatch}. In play are {device.Provider} and ONNX Runtime {OrtEnv.Instance().GetVersionString()} on the CPU: install a provider that was built from the same revision as ONNX Runtime.");
    }

    /// <summary>What differs and by how much; null when nothing does.</summary>
    public static string? Mismatch(IReadOnlyList<Result> expected, IReadOnlyList<Result> actual, TensorElementType type)
    {
        foreach (var (right, other) in expected.Zip(actual))
        {
            var allowed = RoundingsMax * Rounding(type) * Math.Abs(TensorPrimitives.MaxMagnitude<float>(right.Values));
            var difference = 0f;
            for (var i = 0; i < right.Values.Length; i++)
            {
                var here = Math.Abs(right.Values[i] - other.Values[i]);
                if (!(here <= difference)) difference = here; // NaN is no number to be near to.
                if (float.IsNaN(here)) break;
            }
            if (!(difference <= allowed)) return $"{right.Name} differs by {difference:g3}, {type} allows {allowed:g3}";
        }
        return null;
    }

    /// <param name="rounding">The type to which all inputs are rounded first, so that both sides compute from the same numbers.</param>
    public static IReadOnlyList<Result> Compute(Device device, TensorElementType type, AttentionShape shape, TensorElementType rounding, bool interleaved = false)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        device.AppendTo(options);
        using var session = new InferenceSession(AttentionGraph.Of(shape, type, interleaved), options);
        using var runs = new Runs(device, session, type, shape, rounding);
        var results = new List<Result>();
        for (var row = 0; row < Prompts.Length; row++)
            results.Add(new($"prompt {row}", runs.Run(row, 1, [0], Prompts[row], total: row == 0 ? Prompts[row] : Positions)));
        results.Add(new("a chunk after a history", runs.Run(0, 1, [Prompts[0]], Chunk, Positions)));
        results.Add(new("decoding three rows", runs.Run(0, 3, [Prompts[0] + Chunk, Prompts[1], Prompts[2]], 1, Positions)));
        results.Add(new("the keys", runs.Cache(keys: true)));
        results.Add(new("the values", runs.Cache(keys: false)));
        return results;
    }

    /// <summary>The distance between 1 and the next number; float32 as GPUs multiply it where they may.</summary>
    private static float Rounding(TensorElementType type) => type == TensorElementType.BFloat16 ? 1f / (1 << 7) : 1f / (1 << 10);

    internal readonly record struct Result(string Name, float[] Values);

    /// <summary>One device's buffers for the test.</summary>
    private sealed class Runs : IDisposable
    {
        private readonly Device _device;
        private readonly InferenceSession _session;
        private readonly AttentionShape _shape;
        private readonly TensorElementType _rounding;
        private readonly RunOptions _options = Device.RunEagerly();
        private readonly Random _random = new(Seed);
        private readonly DeviceBuffer _packed, _output, _keys, _values, _last, _cos, _sin;

        public Runs(Device device, InferenceSession session, TensorElementType type, AttentionShape shape, TensorElementType rounding)
        {
            (_device, _session, _shape, _rounding) = (device, session, shape, rounding);
            DeviceBuffer Buffer(long elements, TensorElementType of) => new(device, of, elements, mirrored: true);
            var rows = Prompts.Length;
            _packed = Buffer((long)Positions * (shape.Heads + 2 * shape.KvHeads) * shape.HeadSize, type);
            _output = Buffer((long)Positions * shape.Heads * shape.HeadSize, type);
            _keys = Buffer((long)rows * shape.KvHeads * Positions * shape.HeadSize, type);
            _values = Buffer((long)rows * shape.KvHeads * Positions * shape.HeadSize, type);
            _last = Buffer(rows, TensorElementType.Int32);
            _cos = Buffer((long)Positions * shape.HeadSize / 2, type);
            _sin = Buffer((long)Positions * shape.HeadSize / 2, type);
            var angles = Enumerable.Range(0, Positions * shape.HeadSize / 2)
                .Select(i => i / (shape.HeadSize / 2) * MathF.Pow(10_000, -2f * (i % (shape.HeadSize / 2)) / shape.HeadSize)).ToArray();
            Fill(_cos, [.. angles.Select(MathF.Cos)]);
            Fill(_sin, [.. angles.Select(MathF.Sin)]);
        }

        /// <summary>Computes <paramref name="length"/> positions of each row after its history.</summary>
        public float[] Run(int first, int count, int[] histories, int length, int total)
        {
            var width = (_shape.Heads + 2 * _shape.KvHeads) * _shape.HeadSize;
            Fill(_packed, [.. Enumerable.Range(0, count * length * width).Select(_ => 2 * _random.NextSingle() - 1)]);
            for (var row = 0; row < count; row++) _last.Span<int>(row, 1)[0] = histories[row] + length - 1;
            _last.Push(0, count);
            _device.Synchronize();

            using var binding = _session.CreateIoBinding();
            using var packed = _packed.View(0, count, length, width);
            using var last = _last.View(0, count);
            // The one input that kernels read on the host.
            using var totals = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, new[] { total }.AsMemory(), []);
            using var cos = _cos.View(0, Positions, _shape.HeadSize / 2);
            using var sin = _sin.View(0, Positions, _shape.HeadSize / 2);
            using var output = _output.View(0, count, length, _shape.Heads * _shape.HeadSize);
            var slot = (long)_shape.KvHeads * Positions * _shape.HeadSize;
            using var keys = _keys.View(first * slot, count, _shape.KvHeads, Positions, _shape.HeadSize);
            using var values = _values.View(first * slot, count, _shape.KvHeads, Positions, _shape.HeadSize);
            foreach (var (name, value) in new[] { (AttentionGraph.Packed, packed), (AttentionGraph.PastKey, keys), (AttentionGraph.PastValue, values), (AttentionGraph.Last, last), (AttentionGraph.Total, totals), (AttentionGraph.Cos, cos), (AttentionGraph.Sin, sin) })
                binding.BindInput(name, value);
            foreach (var (name, value) in new[] { (AttentionGraph.Output, output), (AttentionGraph.PresentKey, keys), (AttentionGraph.PresentValue, values) })
                binding.BindOutput(name, value);
            _session.RunWithBinding(_options, binding);
            return Read(_output, count * length * _shape.Heads * _shape.HeadSize);
        }

        /// <summary>What stands in the cache where every row has positions.</summary>
        public float[] Cache(bool keys)
        {
            var all = Read(keys ? _keys : _values, Prompts.Length * _shape.KvHeads * Positions * _shape.HeadSize);
            var computed = new List<float>();
            for (var head = 0; head < Prompts.Length * _shape.KvHeads; head++)
                computed.AddRange(all.AsSpan(head * Positions * _shape.HeadSize, Prompts.Min() * _shape.HeadSize));
            return [.. computed];
        }

        public void Dispose()
        {
            foreach (var buffer in new[] { _packed, _output, _keys, _values, _last, _cos, _sin }) buffer.Dispose();
            _options.Dispose();
        }

        private void Fill(DeviceBuffer buffer, float[] values)
        {
            var rounded = new byte[values.Length * DeviceBuffer.SizeOf(_rounding)];
            Elements.Narrow(_rounding, values, rounded);
            Elements.Widen(_rounding, rounded, values);
            Elements.Narrow(buffer.Type, values, buffer.Span<byte>(0, values.Length * buffer.ElementSize));
            buffer.Push(0, values.Length);
        }

        private float[] Read(DeviceBuffer buffer, int elements)
        {
            buffer.Pull(0, elements);
            _device.Synchronize();
            var values = new float[elements];
            Elements.Widen(buffer.Type, buffer.Span<byte>(0, elements * buffer.ElementSize), values);
            return values;
        }
    }
}
