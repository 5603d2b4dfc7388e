using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>The host in the place of a device: the yardstick of <see cref="AttentionTest"/>.</summary>
internal sealed unsafe class CpuDevice : Device
{
    public override string Name => "CPU";

    public override string Provider => $"CPUExecutionProvider of ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    public override OrtMemoryInfo Memory => OrtMemoryInfo.DefaultInstance;

    public override long FreeBytes => Onnx.Memory.Available;

    public override bool Attends(TensorElementType type) => type is TensorElementType.Float or TensorElementType.Float16;

    public override void AppendTo(SessionOptions options)
    {
    }

    public override nint Allocate(long bytes) => (nint)NativeMemory.AllocZeroed((nuint)bytes);

    public override void Free(nint address) => NativeMemory.Free((void*)address);

    public override nint AllocateHost(long bytes) => Allocate(bytes);

    public override void FreeHost(nint address) => Free(address);

    public override void Upload(nint host, nint device, long bytes) => Copy(host, device, bytes);

    public override void Download(nint device, nint host, long bytes) => Copy(device, host, bytes);

    public override void Copy(nint from, nint to, long bytes) => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);

    public override void Synchronize()
    {
    }

    public override void Dispose()
    {
    }
}
