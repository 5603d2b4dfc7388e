using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace R1Grains.Engine.Onnx;

/// <summary>Finds the device that the options name and the CUDA execution provider for it: the build's own, or a plugin library.</summary>
internal static class ExecutionProviders
{
    private const string BuiltIn = "CUDAExecutionProvider";
    private const string CaptureGraphs = "enable_cuda_graph";
    private const string On = "1", Off = "0";

    // What a CUDA plugin says of its devices.
    private const string Ordinal = "cuda_device_id";
    private const string Version = "version";

    private static readonly Lock Gate = new();

    // A library is registered once in the life of the process, for all its sessions, under a name of our choice.
    private static readonly Dictionary<string, IReadOnlyList<OrtEpDevice>> Plugins = [];

    private static string Core => $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    /// <exception cref="DeviceException">There is no such provider, or no such device.</exception>
    public static Device Open(EngineOptions options) => options.Provider == EngineOptions.Cuda ? OpenBuiltIn(options) : OpenPlugin(options);

    private static CudaDevice OpenBuiltIn(EngineOptions options)
    {
        if (!OrtEnv.Instance().GetAvailableProviders().Contains(BuiltIn))
            throw new DeviceException("R1__Engine__Provider is cuda, but this build has the CPU package of ONNX Runtime: build with -p:Gpu=true, or write the path of a CUDA plugin library there.");
        var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, options.Device, OrtMemType.Default);
        var configured = new Dictionary<string, string>
        {
            ["device_id"] = options.Device.ToString(CultureInfo.InvariantCulture),
            ["arena_extend_strategy"] = "kSameAsRequested", // Else the arena doubles, and takes what keys and values were reckoned to have.
            [CaptureGraphs] = options.CapturesGraphs ? On : Off,
        };
        return new CudaDevice(options.Device, $"{BuiltIn} of {Core}", memory, session => Require(() =>
        {
            using var cuda = new OrtCUDAProviderOptions(); // Loads the library already.
            cuda.UpdateOptions(configured);
            session.AppendExecutionProvider_CUDA(cuda);
        }, "the CUDA provider of this build", "install the CUDA and cuDNN libraries that it needs and put them on LD_LIBRARY_PATH"));
    }

    private static CudaDevice OpenPlugin(EngineOptions options)
    {
        var path = options.Provider;
        if (!File.Exists(path)) throw new DeviceException($"R1__Engine__Provider is '{path}', which does not exist: write cpu, cuda, or the path of a CUDA plugin library (libonnxruntime_providers_cuda_plugin.so).");
        var devices = Register(path);
        var device = devices.FirstOrDefault(device => device.EpMetadata.Entries.GetValueOrDefault(Ordinal) == options.Device.ToString(CultureInfo.InvariantCulture));
        if (device is null)
        {
            var found = devices.Select(device => device.EpMetadata.Entries.GetValueOrDefault(Ordinal)).OfType<string>().ToList();
            throw new DeviceException(found.Count == 0
                ? $"{path} finds no NVIDIA GPU: look at nvidia-smi and CUDA_VISIBLE_DEVICES, pass the GPU into the container, or serve with R1__Engine__Provider=cpu."
                : $"R1__Engine__Device is {options.Device}, and {path} finds the devices {string.Join(", ", found)}: write one of them.");
        }
        var provider = $"{device.EpName} {device.EpMetadata.Entries.GetValueOrDefault(Version, "of unknown version")} from {path} on {Core}";
        var configured = new Dictionary<string, string> { [CaptureGraphs] = options.CapturesGraphs ? On : Off };
        return new CudaDevice(options.Device, provider, device.GetMemoryInfo(OrtDeviceMemoryType.DEFAULT), session =>
            Require(() => session.AppendExecutionProvider(OrtEnv.Instance(), [device], configured), path, $"install a plugin that fits {Core}"));
    }

    private static IReadOnlyList<OrtEpDevice> Register(string path)
    {
        lock (Gate)
        {
            if (Plugins.TryGetValue(path, out var devices)) return devices;
            var before = OrtEnv.Instance().GetEpDevices().Select(device => device.EpName).ToHashSet();
            Require(() => OrtEnv.Instance().RegisterExecutionProviderLibrary($"plugin {Plugins.Count}", path), path, $"it must be a CUDA plugin library for {Core} on this machine, with the CUDA libraries that it needs on LD_LIBRARY_PATH");
            return Plugins[path] = [.. OrtEnv.Instance().GetEpDevices().Where(device => !before.Contains(device.EpName))];
        }
    }

    private static void Require(Action load, string what, string remedy)
    {
        try
        {
            load();
        }
        catch (OnnxRuntimeException refused)
        {
            throw new DeviceException($"R1__Engine__Provider: {what} cannot be loaded ({refused.Message.Trim()}): {remedy}.", refused);
        }
    }
}
