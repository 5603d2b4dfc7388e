using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using static R1Grains.Engine.Onnx.CudaDriver;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// An NVIDIA GPU. Buffers are the driver's own, in the context that the execution provider uses as well, so that either
/// may use the other's addresses. Copies go to the default stream; the provider's streams do not wait for it, so every
/// batch of copies ends with <see cref="Synchronize"/>.
/// </summary>
/// <param name="append">Adds the execution provider to a session.</param>
internal sealed unsafe class CudaDevice : Device
{
    private const int DefaultStream = 0;

    private readonly Action<SessionOptions> _append;
    private readonly int _device;
    private readonly nint _context;

    /// <exception cref="DeviceException">There is no such device.</exception>
    public CudaDevice(int ordinal, string provider, OrtMemoryInfo memory, Action<SessionOptions> append)
    {
        _device = CudaDriver.Open(ordinal);
        Name = CudaDriver.Name(_device);
        Provider = $"{provider}, driver for CUDA {CudaDriver.Version()}";
        (Memory, _append) = (memory, append);
        nint context;
        Check(RetainContext(&context, _device), "cuDevicePrimaryCtxRetain");
        _context = context;
    }

    public override string Name { get; }

    public override string Provider { get; }

    public override OrtMemoryInfo Memory { get; }

    public override long FreeBytes
    {
        get
        {
            nuint free, total;
            Enter();
            Check(MemoryInfo(&free, &total), "cuMemGetInfo");
            return (long)free;
        }
    }

    /// <summary>GroupQueryAttention has CUDA kernels for these two and for no other that a model folder may have.</summary>
    public override bool Attends(TensorElementType type) => type is TensorElementType.Float16 or TensorElementType.BFloat16;

    public override void AppendTo(SessionOptions options) => _append(options);

    public override nint Allocate(long bytes)
    {
        nint address;
        Enter();
        Check(CudaDriver.Allocate(&address, (nuint)bytes), $"{bytes:n0} bytes of {Name}");
        Check(Fill(address, 0, (nuint)bytes), "cuMemsetD8");
        return address;
    }

    public override void Free(nint address)
    {
        Enter();
        Check(CudaDriver.Free(address), "cuMemFree");
    }

    public override nint AllocateHost(long bytes)
    {
        nint address;
        Enter();
        Check(CudaDriver.AllocateHost(&address, (nuint)bytes), $"{bytes:n0} bytes of the host that {Name} can reach");
        return address;
    }

    public override void FreeHost(nint address)
    {
        Enter();
        Check(CudaDriver.FreeHost(address), "cuMemFreeHost");
    }

    public override void Upload(nint host, nint device, long bytes)
    {
        Enter();
        Check(CudaDriver.Upload(device, host, (nuint)bytes, DefaultStream), "cuMemcpyHtoDAsync");
    }

    public override void Download(nint device, nint host, long bytes)
    {
        Enter();
        Check(CudaDriver.Download(host, device, (nuint)bytes, DefaultStream), "cuMemcpyDtoHAsync");
    }

    public override void Copy(nint from, nint to, long bytes)
    {
        Enter();
        Check(CudaDriver.Copy(to, from, (nuint)bytes, DefaultStream), "cuMemcpyDtoDAsync");
    }

    public override void Synchronize()
    {
        Enter();
        Check(CudaDriver.Synchronize(), "cuCtxSynchronize");
    }

    public override void Dispose() => _ = ReleaseContext(_device);

    // The thread that loads is not the one that serves, and a context is current per thread.
    private void Enter() => Check(SetContext(_context), "cuCtxSetCurrent");
}
