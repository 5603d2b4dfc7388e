using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// Zeroed memory outside the managed heap, of which the system commits only what is touched, and tensors over parts
/// of it. The buffer must outlive its tensors.
/// </summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const int DontNeed = 4; // MADV_DONTNEED

    private byte* _start;

    public NativeBuffer(TensorElementType type, long elements)
    {
        (Type, ElementSize) = (type, SizeOf(type));
        _start = (byte*)NativeMemory.AllocZeroed(checked((nuint)elements), (nuint)ElementSize);
    }

    public TensorElementType Type { get; }

    public int ElementSize { get; }

    /// <summary>A tensor of <paramref name="shape"/> that begins <paramref name="offset"/> elements into the buffer.</summary>
    public OrtValue View(long offset, params long[] shape)
    {
        var elements = shape.Aggregate(1L, (product, dimension) => product * dimension);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, Type, shape, (nint)(_start + offset * ElementSize), elements * ElementSize);
    }

    public Span<T> Span<T>(long offset, int length) where T : unmanaged => new((T*)_start + offset, length);

    /// <summary>Gives the memory of a part back to the system where that is possible; its content becomes undefined.</summary>
    public void Discard(long offset, long elements)
    {
        if (!OperatingSystem.IsLinux()) return;
        var page = (nuint)Environment.SystemPageSize;
        var first = ((nuint)(_start + offset * ElementSize) + page - 1) / page * page;
        var last = (nuint)(_start + (offset + elements) * ElementSize) / page * page;
        if (last > first) _ = Advise(first, last - first, DontNeed); // Advice: when refused the memory is merely kept.
    }

    public void Dispose()
    {
        NativeMemory.Free(_start);
        _start = null;
    }

    private static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Int64 => 8,
        TensorElementType.Float => 4,
        TensorElementType.Float16 => 2,
        TensorElementType.Int8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such buffers are used."),
    };

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint start, nuint length, int advice);
}
