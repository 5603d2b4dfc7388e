using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class AttentionTestTests
{
    private static readonly AttentionShape Shape = new(Heads: 6, KvHeads: 2, HeadSize: 32);

    [Theory]
    [InlineData(TensorElementType.Float)]
    [InlineData(TensorElementType.Float16)]
    internal void A_device_that_computes_the_same_is_taken(TensorElementType type)
    {
        using var device = new CpuDevice();
        AttentionTest.Require(device, type, Shape);
        AttentionTest.Require(device, type, new AttentionShape(4, 4, 64));
        AttentionTest.Require(device, type, new AttentionShape(28, 4, 128));
    }

    [Fact]
    public void What_rounding_to_the_type_does_is_allowed_and_much_less_than_what_is_refused()
    {
        using var device = new CpuDevice();
        foreach (var type in new[] { TensorElementType.Float16, TensorElementType.BFloat16 })
        {
            var exact = AttentionTest.Compute(device, TensorElementType.Float, Shape, type);
            var rounded = exact.Select(result => result with { Values = Rounded(result.Values, type) }).ToList();
            Assert.Null(AttentionTest.Mismatch(exact, rounded, type));
            // An operand that is read in another way, as a provider of another revision would.
            var other = AttentionTest.Compute(device, TensorElementType.Float, Shape, type, interleaved: true);
            Assert.Contains("prompt 0 differs by", AttentionTest.Mismatch(exact, other, type));
        }
    }

    [Fact]
    public void Every_kind_of_run_is_compared_and_what_is_no_number_is_refused()
    {
        using var device = new CpuDevice();
        var exact = AttentionTest.Compute(device, TensorElementType.Float, Shape, TensorElementType.BFloat16);
        Assert.Equal(["prompt 0", "prompt 1", "prompt 2", "a chunk after a history", "decoding three rows", "the keys", "the values"], exact.Select(result => result.Name));
        for (var i = 0; i < exact.Count; i++)
            foreach (var wrong in new[] { float.NaN, float.PositiveInfinity, exact[i].Values[^1] + 2 })
            {
                var spoiled = exact.ToArray();
                spoiled[i] = exact[i] with { Values = [.. exact[i].Values[..^1], wrong] };
                Assert.StartsWith($"{exact[i].Name} differs by", AttentionTest.Mismatch(exact, spoiled, TensorElementType.BFloat16));
            }
    }

    [Fact]
    public void A_device_that_computes_otherwise_is_refused_with_what_to_do()
    {
        using var device = new LyingDevice();
        var refusal = Assert.Throws<DeviceException>(() => AttentionTest.Require(device, TensorElementType.Float16, Shape)).Message;
        foreach (var word in new[] { "Liar computes GroupQueryAttention otherwise", "differs by", "Float16 allows", "provider of lies", OrtEnv.Instance().GetVersionString(), "install a provider" })
            Assert.Contains(word, refusal);
    }

    private static float[] Rounded(float[] values, TensorElementType type)
    {
        var narrow = new byte[values.Length * 2];
        var wide = new float[values.Length];
        Elements.Narrow(type, values, narrow);
        Elements.Widen(type, narrow, wide);
        return wide;
    }

    /// <summary>Brings other numbers to the host than it computed.</summary>
    private sealed class LyingDevice : Device
    {
        private readonly CpuDevice _cpu = new();

        public override string Name => "Liar";

        public override string Provider => "provider of lies";

        public override OrtMemoryInfo Memory => _cpu.Memory;

        public override long FreeBytes => _cpu.FreeBytes;

        public override bool Attends(TensorElementType type) => true;

        public override void AppendTo(SessionOptions options) => _cpu.AppendTo(options);

        public override nint Allocate(long bytes) => _cpu.Allocate(bytes);

        public override void Free(nint address) => _cpu.Free(address);

        public override nint AllocateHost(long bytes) => _cpu.AllocateHost(bytes);

        public override void FreeHost(nint address) => _cpu.FreeHost(address);

        public override void Upload(nint host, nint device, long bytes) => _cpu.Upload(host, device, bytes);

        public override void Download(nint device, nint host, long bytes) => _cpu.Download(device, host, bytes / 2);

        public override void Copy(nint from, nint to, long bytes) => _cpu.Copy(from, to, bytes);

        public override void Synchronize() => _cpu.Synchronize();

        public override void Dispose() => _cpu.Dispose();
    }
}
