using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>The number formats that devices compute in, to and from float32.</summary>
internal static class Elements
{
    // Of float32's 32 bits, bfloat16 is the upper half.
    private const int LowerBits = 16;

    public static void Widen(TensorElementType type, ReadOnlySpan<byte> from, Span<float> to)
    {
        switch (type)
        {
            case TensorElementType.Float:
                MemoryMarshal.Cast<byte, float>(from).CopyTo(to);
                break;
            case TensorElementType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(from), to);
                break;
            case TensorElementType.BFloat16:
                var halves = MemoryMarshal.Cast<byte, ushort>(from);
                for (var i = 0; i < halves.Length; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << LowerBits);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "No such logits are read.");
        }
    }

    /// <summary>Rounds to the nearest, ties to even; finite numbers only.</summary>
    public static void Narrow(TensorElementType type, ReadOnlySpan<float> from, Span<byte> to)
    {
        switch (type)
        {
            case TensorElementType.Float:
                from.CopyTo(MemoryMarshal.Cast<byte, float>(to));
                break;
            case TensorElementType.Float16:
                TensorPrimitives.ConvertToHalf(from, MemoryMarshal.Cast<byte, Half>(to));
                break;
            case TensorElementType.BFloat16:
                var halves = MemoryMarshal.Cast<byte, ushort>(to);
                for (var i = 0; i < from.Length; i++)
                {
                    var bits = BitConverter.SingleToUInt32Bits(from[i]);
                    halves[i] = (ushort)((bits + 0x7FFF + (bits >> LowerBits & 1)) >> LowerBits);
                }
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Nothing is computed in it.");
        }
    }
}
