using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class ElementsTests
{
    [Fact]
    public void Bfloat16_is_rounded_to_the_nearest_and_ties_to_even()
    {
        float[] values = [0, -0f, 1, -1, 3.14159274f, 1.00390625f, 1.01171875f, 1e30f, 1e-30f, 65504];
        var narrow = new byte[values.Length * 2];
        Elements.Narrow(TensorElementType.BFloat16, values, narrow);
        var bits = MemoryMarshal.Cast<byte, ushort>(narrow).ToArray();
        Assert.Equal([0x0000, 0x8000, 0x3F80, 0xBF80, 0x4049, 0x3F80, 0x3F82], bits[..7]); // 1 + 1/256 lies between 1 and 1 + 1/128.
        var wide = new float[values.Length];
        Elements.Widen(TensorElementType.BFloat16, narrow, wide);
        foreach (var (value, back) in values.Zip(wide)) Assert.InRange(Math.Abs(back - value), 0, Math.Abs(value) / 256);
    }

    [Theory]
    [InlineData(TensorElementType.Float, 4)]
    [InlineData(TensorElementType.Float16, 2)]
    [InlineData(TensorElementType.BFloat16, 2)]
    internal void What_was_narrowed_once_stays_what_it_is(TensorElementType type, int size)
    {
        var random = new Random(7);
        float[] values = [.. Enumerable.Range(0, 1000).Select(_ => random.NextSingle() * 20 - 10)];
        var (narrow, again) = (new byte[values.Length * size], new byte[values.Length * size]);
        Elements.Narrow(type, values, narrow);
        Elements.Widen(type, narrow, values);
        Elements.Narrow(type, values, again);
        Assert.Equal(narrow, again);
        Assert.Equal(size, DeviceBuffer.SizeOf(type));
    }
}
