using System.Runtime.Intrinsics.X86;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>A test of what holds for the kernels that a processor with AVX-512 gets, and was established for no others.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class Avx512FactAttribute : FactAttribute
{
    public Avx512FactAttribute()
    {
        if (!Avx512BW.IsSupported) Skip = "This processor has no AVX-512, and for other kernels this was not established.";
    }
}
