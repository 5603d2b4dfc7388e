namespace R1Grains.Engine;

/// <summary>What an operator may want to change.</summary>
public sealed record EngineOptions
{
    public const string Cpu = "cpu";
    public const string Cuda = "cuda";

    /// <summary>The model folder, as onnxruntime-genai lays it out.</summary>
    public required string Folder { get; init; }

    /// <summary>
    /// Threads of one run; 0 for the cores of the machine. Never more than the model has attention heads: beyond that
    /// the kernels split a head's history, and a row's result would depend on the size of the batch.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>Requests computed at once.</summary>
    public int Rows { get; init; } = 16;

    /// <summary>
    /// Memory for keys and values, of running requests and of prefixes that are kept; 0 for half of what the machine has
    /// free once the model is loaded, on a GPU for most of it. Never less than one whole context.
    /// </summary>
    public int KvMebibytes { get; init; }

    /// <summary>Requests that may wait for a row; more are refused.</summary>
    public int QueueLimit { get; init; } = 64;

    /// <summary>
    /// What computes: <see cref="Cpu"/>, <see cref="Cuda"/> (of a build with <c>-p:Gpu=true</c>), or the path of a plugin
    /// library that brings the CUDA provider.
    /// </summary>
    public string Provider { get; init; } = Cpu;

    /// <summary>The number of the GPU, as CUDA counts them.</summary>
    public int Device { get; init; }

    /// <summary>Records each shape of a decode run as a CUDA graph and replays it: fewer launches, and memory for the graphs.</summary>
    public bool CapturesGraphs { get; init; }
}
