namespace R1Grains.Engine.Tests.Onnx;

/// <summary>A test of what a machine without an NVIDIA GPU says.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NoGpuFactAttribute : FactAttribute
{
    public NoGpuFactAttribute()
    {
        if (File.Exists("/proc/driver/nvidia/version")) Skip = "This machine has an NVIDIA driver.";
    }
}
