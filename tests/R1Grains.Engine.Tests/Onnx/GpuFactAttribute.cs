namespace R1Grains.Engine.Tests.Onnx;

/// <summary>A test on an NVIDIA GPU, which runs where the environment says how to reach it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GpuFactAttribute : FactAttribute
{
    /// <summary><c>cuda</c> of a build with <c>-p:Gpu=true</c>, or the path of a plugin library.</summary>
    public const string Variable = "R1_CUDA_PROVIDER";

    public GpuFactAttribute()
    {
        if (Provider is null) Skip = $"There is no GPU at hand: {Variable}=cuda (in a build with -p:Gpu=true) or {Variable}=/path/to/plugin.so runs it.";
    }

    public static string? Provider => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } provider ? provider : null;
}
