using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>What one position of one head is made of, the same in every block of a runner.</summary>
internal readonly record struct KvShape(TensorElementType Type, int Layers, int Heads, int HeadSize)
{
    /// <summary>Bytes of one position: keys and values of all layers.</summary>
    public long PositionBytes => 2L * Layers * Heads * HeadBytes;

    /// <summary>Bytes of one position of one head of one layer, keys or values.</summary>
    public int HeadBytes => HeadSize * DeviceBuffer.SizeOf(Type);
}

/// <summary>
/// Keys and values of consecutive slots of one length: per layer a buffer of keys [slots, heads, length, head size] and
/// one of values. A run takes rows of one block.
/// </summary>
/// <param name="first">The first slot of the block, among all.</param>
internal abstract class KvBlock(KvShape shape, int first, int count, int length) : IDisposable
{
    public KvShape Shape => shape;

    public int First => first;

    public int Count => count;

    /// <summary>Positions of each slot.</summary>
    public int Length => length;

    protected long HeadBytes => (long)length * shape.HeadBytes;

    protected long SlotBytes => shape.Heads * HeadBytes;

    /// <summary>Where the positions of a head begin.</summary>
    /// <param name="buffer">Twice the layer; one more for its values.</param>
    /// <param name="slot">Among all.</param>
    public nint Address(int buffer, int slot, int head) => Start(buffer) + (nint)((slot - first) * SlotBytes + head * HeadBytes);

    /// <summary>The positions from <paramref name="length"/> on are not needed; their memory may be given back.</summary>
    public virtual void Truncate(int slot, int length)
    {
    }

    public abstract void Dispose();

    protected abstract nint Start(int buffer);
}

/// <summary>Slots that can be computed.</summary>
internal sealed class DeviceKvBlock(Device device, KvShape shape, int first, int count, int length) : KvBlock(shape, first, count, length)
{
    private readonly DeviceBuffer[] _buffers =
        [.. Enumerable.Range(0, 2 * shape.Layers).Select(_ => new DeviceBuffer(device, shape.Type, (long)count * shape.Heads * length * shape.HeadSize))];

    public OrtValue View(int buffer, int slot, int slots) =>
        _buffers[buffer].View((long)(slot - First) * Shape.Heads * Length * Shape.HeadSize, slots, Shape.Heads, Length, Shape.HeadSize);

    public override void Dispose()
    {
        foreach (var buffer in _buffers) buffer.Dispose();
    }

    protected override nint Start(int buffer) => _buffers[buffer].Address;
}

/// <summary>Slots that only keep what was copied there, in the memory of the host, of which what is written to is taken.</summary>
internal sealed unsafe class HostKvBlock(KvShape shape, int first, int count, int length) : KvBlock(shape, first, count, length)
{
    // The elements are not looked at here: 2 bytes each.
    private readonly NativeBuffer[] _buffers = [.. Enumerable.Range(0, 2 * shape.Layers)
        .Select(_ => new NativeBuffer(TensorElementType.Float16, (long)count * shape.Heads * length * shape.HeadBytes / 2))];

    public override void Truncate(int slot, int length)
    {
        foreach (var buffer in _buffers)
            for (var head = 0; head < Shape.Heads; head++)
                buffer.Discard(((slot - First) * SlotBytes + head * HeadBytes + (long)length * Shape.HeadBytes) / 2, (long)(Length - length) * Shape.HeadBytes / 2);
    }

    public override void Dispose()
    {
        foreach (var buffer in _buffers) buffer.Dispose();
    }

    protected override nint Start(int buffer) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(_buffers[buffer].Span<byte>(0, 1)));
}
