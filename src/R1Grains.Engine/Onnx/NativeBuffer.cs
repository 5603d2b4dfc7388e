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
    // MADV_DONTNEED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE: address space for every slot's
    // whole context is far more than the memory of the machine, and only the touched part of it counts.
    private const int DontNeed = 4;
    private const int ReadWrite = 3;
    private const int PrivateUnreserved = 0x4022;

    private readonly nuint _bytes;
    private byte* _start;

    public NativeBuffer(TensorElementType type, long elements)
    {
        (Type, ElementSize) = (type, SizeOf(type));
        _bytes = checked((nuint)elements * (nuint)ElementSize);
        _start = OperatingSystem.IsLinux() ? Map(0, _bytes, ReadWrite, PrivateUnreserved, -1, 0) : (byte*)NativeMemory.AllocZeroed(_bytes);
        if ((nint)_start is 0 or -1) throw new OutOfMemoryException($"The system gives no address space for a buffer of {_bytes:n0} bytes.");
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

    /// <summary>Copies elements within the buffer.</summary>
    public void Copy(long from, long to, long elements) =>
        Buffer.MemoryCopy(_start + from * ElementSize, _start + to * ElementSize, elements * ElementSize, elements * ElementSize);

    public void Dispose()
    {
        if (_start is null) return;
        if (OperatingSystem.IsLinux()) _ = Unmap(_start, _bytes);
        else NativeMemory.Free(_start);
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

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(byte* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint start, nuint length, int advice);
}
