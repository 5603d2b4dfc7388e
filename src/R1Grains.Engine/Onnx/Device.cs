using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace R1Grains.Engine.Onnx;

/// <summary>
/// Where a session runs and where its buffers lie. Copies are queued in their order; a run, the host and
/// <see cref="Free"/> may count on them after <see cref="Synchronize"/>.
/// </summary>
internal abstract class Device : IDisposable
{
    private const string GraphId = "gpu_graph_id";
    private const int NoGraph = -1;

    /// <summary>What the hardware calls itself.</summary>
    public abstract string Name { get; }

    /// <summary>The execution provider and the versions in play, for whoever has to find out why it computes otherwise.</summary>
    public abstract string Provider { get; }

    /// <summary>Tells ONNX Runtime that an address is this device's.</summary>
    public abstract OrtMemoryInfo Memory { get; }

    public abstract long FreeBytes { get; }

    /// <summary>Whether attention over keys and values of this type runs here and not, copied back and forth, on the CPU.</summary>
    public abstract bool Attends(TensorElementType type);

    public abstract void AppendTo(SessionOptions options);

    /// <summary>For runs that are not captured: where graphs are, a run that says nothing is taken for the first of its kind.</summary>
    public static RunOptions RunEagerly() => RunAsGraph(NoGraph);

    /// <summary>For runs of one shape at the same addresses; providers without graphs take no notice.</summary>
    public static RunOptions RunAsGraph(int id)
    {
        var options = new RunOptions();
        options.AddRunConfigEntry(GraphId, id.ToString(CultureInfo.InvariantCulture));
        return options;
    }

    /// <summary>Zeroed memory of the device: attention multiplies what lies behind the end of a row by nothing, which makes nothing of anything but of NaN.</summary>
    public abstract nint Allocate(long bytes);

    public abstract void Free(nint address);

    /// <summary>Memory of the host that the device reads and writes by itself.</summary>
    public abstract nint AllocateHost(long bytes);

    public abstract void FreeHost(nint address);

    public abstract void Upload(nint host, nint device, long bytes);

    public abstract void Download(nint device, nint host, long bytes);

    public abstract void Copy(nint from, nint to, long bytes);

    public abstract void Synchronize();

    public abstract void Dispose();
}
