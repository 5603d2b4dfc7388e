using System.Runtime.InteropServices;
using System.Text;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// The few calls of the CUDA driver that ONNX Runtime has no equal for: its allocator takes no buffer of 4 GiB, and its
/// bindings copy from the host once, when bound. The driver's interface is the same under every CUDA toolkit, and where
/// a CUDA provider can be loaded the driver's library is loaded already.
/// </summary>
internal static unsafe partial class CudaDriver
{
    public const string Library = "libcuda.so.1";

    private const int NameLengthMax = 256;

    /// <exception cref="DeviceException">There is no driver, or it has no such device.</exception>
    public static int Open(int ordinal)
    {
        int count, device;
        try
        {
            Check(Initialize(0), "cuInit");
            Check(DeviceCount(&count), "cuDeviceGetCount");
        }
        catch (DllNotFoundException missing)
        {
            throw new DeviceException($"R1__Engine__Provider asks for a GPU, but this machine has no NVIDIA driver ({Library}): install the driver, pass the GPU into the container, or serve with R1__Engine__Provider=cpu.", missing);
        }
        if (ordinal >= count)
            throw new DeviceException($"R1__Engine__Device is {ordinal}, and the NVIDIA driver shows {count switch { 0 => "no device", 1 => "one device, 0", _ => $"the devices 0 to {count - 1}" }}: write one that it shows, or look at CUDA_VISIBLE_DEVICES.");
        Check(DeviceOf(&device, ordinal), "cuDeviceGet");
        return device;
    }

    public static string Name(int device)
    {
        var name = stackalloc byte[NameLengthMax];
        Check(DeviceName(name, NameLengthMax, device), "cuDeviceGetName");
        return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
    }

    /// <summary>The newest CUDA that the driver runs, e.g. 13.0.</summary>
    public static string Version()
    {
        int version;
        Check(DriverVersion(&version), "cuDriverGetVersion");
        return $"{version / 1000}.{version % 1000 / 10}";
    }

    public static void Check(int result, string call)
    {
        if (result == 0) return;
        byte* name = null;
        _ = ErrorName(result, &name);
        throw new DeviceException($"The NVIDIA driver refused {call}: {(name is null ? $"error {result}" : Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)))}. Look at nvidia-smi and at the kernel's log.");
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    private static partial int Initialize(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetCount")]
    private static partial int DeviceCount(int* count);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    private static partial int DeviceOf(int* device, int ordinal);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    private static partial int DeviceName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDriverGetVersion")]
    private static partial int DriverVersion(int* version);

    [LibraryImport(Library, EntryPoint = "cuGetErrorName")]
    private static partial int ErrorName(int error, byte** name);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    public static partial int RetainContext(nint* context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    public static partial int ReleaseContext(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    public static partial int SetContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuCtxSynchronize")]
    public static partial int Synchronize();

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    public static partial int MemoryInfo(nuint* free, nuint* total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    public static partial int Allocate(nint* address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    public static partial int Free(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemsetD8_v2")]
    public static partial int Fill(nint address, byte value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemAllocHost_v2")]
    public static partial int AllocateHost(nint* address, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFreeHost")]
    public static partial int FreeHost(nint address);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    public static partial int Upload(nint device, nint host, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    public static partial int Download(nint host, nint device, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    public static partial int Copy(nint to, nint from, nuint bytes, nint stream);
}
