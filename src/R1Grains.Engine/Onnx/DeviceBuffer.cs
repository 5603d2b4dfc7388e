using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// Zeroed memory of a device, tensors over parts of it, and on demand a mirror of it in the memory of the host, which is
/// brought over by <see cref="Push"/> and <see cref="Pull"/>. The buffer must outlive its tensors.
/// </summary>
internal sealed unsafe class DeviceBuffer : IDisposable
{
    private readonly Device _device;
    private nint _mirror;

    public DeviceBuffer(Device device, TensorElementType type, long elements, bool mirrored = false)
    {
        (_device, Type, ElementSize) = (device, type, SizeOf(type));
        Address = device.Allocate(elements * ElementSize);
        if (mirrored) _mirror = device.AllocateHost(elements * ElementSize);
        if (mirrored) new Span<byte>((void*)_mirror, checked((int)(elements * ElementSize))).Clear();
    }

    public TensorElementType Type { get; }

    public int ElementSize { get; }

    public nint Address { get; private set; }

    public static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Int64 => 8,
        TensorElementType.Float or TensorElementType.Int32 => 4,
        TensorElementType.Float16 or TensorElementType.BFloat16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such buffers are used."),
    };

    /// <summary>A tensor of <paramref name="shape"/> that begins <paramref name="offset"/> elements into the buffer.</summary>
    public OrtValue View(long offset, params long[] shape)
    {
        var elements = shape.Aggregate(1L, (product, dimension) => product * dimension);
        return OrtValue.CreateTensorValueWithData(_device.Memory, Type, shape, Address + (nint)(offset * ElementSize), elements * ElementSize);
    }

    /// <summary>Of the mirror.</summary>
    public Span<T> Span<T>(long offset, int length) where T : unmanaged => new((T*)_mirror + offset, length);

    /// <summary>Queues a copy from the mirror to the device.</summary>
    public void Push(long offset, long elements) =>
        _device.Upload(_mirror + (nint)(offset * ElementSize), Address + (nint)(offset * ElementSize), elements * ElementSize);

    /// <summary>Queues a copy from the device to the mirror.</summary>
    public void Pull(long offset, long elements) =>
        _device.Download(Address + (nint)(offset * ElementSize), _mirror + (nint)(offset * ElementSize), elements * ElementSize);

    public void Dispose()
    {
        if (Address != 0) _device.Free(Address);
        if (_mirror != 0) _device.FreeHost(_mirror);
        (Address, _mirror) = (0, 0);
    }
}
