using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using R1Grains.Engine.Onnx;

namespace R1Grains.Engine.Tests.Onnx;

public sealed class ExecutionProviderTests
{
    [Fact]
    public void A_missing_plugin_is_one_clear_line() =>
        Assert.Contains("R1__Engine__Provider is '/nowhere/plugin.so', which does not exist: write cpu, cuda", Refusal("/nowhere/plugin.so"));

    [Fact]
    public void A_plugin_that_is_no_library_is_one_clear_line()
    {
        var path = Path.GetTempFileName();
        var refusal = Refusal(path);
        Assert.Contains($"{path} cannot be loaded", refusal);
        Assert.Contains($"it must be a CUDA plugin library for ONNX Runtime {OrtEnv.Instance().GetVersionString()}", refusal);
        Assert.Equal(refusal, Refusal(path)); // It is not taken for registered.
        Assert.DoesNotContain('\n', refusal);
    }

    [NoGpuFact]
    public void Cuda_without_the_package_or_without_a_gpu_is_one_clear_line()
    {
        var hasPackage = OrtEnv.Instance().GetAvailableProviders().Contains("CUDAExecutionProvider");
        Assert.Contains(hasPackage ? "this machine has no NVIDIA driver" : "build with -p:Gpu=true", Refusal(EngineOptions.Cuda));
    }

    [Fact]
    public void A_gpu_build_references_the_gpu_package_and_only_that()
    {
        var project = Path.Combine(ModelFolders.Repository(), "src", "R1Grains.Engine");
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["msbuild", project, "-p:Gpu=true", "-getItem:PackageReference"]) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        var packages = JsonNode.Parse(output)!["Items"]!["PackageReference"]!.AsArray().Select(item => (string?)item!["Identity"]).ToList();
        Assert.Contains("Microsoft.ML.OnnxRuntime.Gpu", packages);
        Assert.DoesNotContain("Microsoft.ML.OnnxRuntime", packages);
    }

    private static string Refusal(string provider) =>
        Assert.Throws<DeviceException>(() => ExecutionProviders.Open(new EngineOptions { Folder = "", Provider = provider })).Message;
}
