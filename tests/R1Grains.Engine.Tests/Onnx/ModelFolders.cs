using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using R1Grains.Engine.Onnx.Schema;

namespace R1Grains.Engine.Tests.Onnx;

/// <summary>The model that ships, and folders with random weights, made by <c>r1-tune</c> once per run of the tests.</summary>
public static class ModelFolders
{
    private static readonly string Root = CreateRoot();
    private static readonly ConcurrentDictionary<string, Lazy<string>> Folders = [];

    public static string Shipped { get; } = Path.Combine(Repository(), "deploy", "models", "r1-tiny");

    /// <summary>Two layers, 6 query heads on 2 heads of keys and values, hidden size 192, and the blocks whose kernels depend on the batch.</summary>
    public static string Get(string precision, int context = 2048) => Get($"{precision}-{context}",
        "--precision", precision, "--block-size", "128", "--context", $"{context}", "--layers", "2", "--hidden", "192", "--heads", "6", "--kv-heads", "2");

    /// <summary>The same size with int4 weights in blocks of 32, whose kernels do not depend on the batch.</summary>
    public static string SmallBlocks => Get("small-blocks",
        "--precision", "int4", "--block-size", "32", "--context", "32768", "--layers", "2", "--hidden", "192", "--heads", "6", "--kv-heads", "2");

    /// <summary><see cref="SmallBlocks"/> with keys and values in int8.</summary>
    public static string QuantizedCache => Folders.GetOrAdd("quantized-cache", name => new Lazy<string>(() => Make(name, "quantize-cache", "--model", SmallBlocks))).Value;

    /// <summary>As small as can be: one layer, one head of keys and values.</summary>
    public static string Smallest(int context) => Get($"smallest-{context}",
        "--precision", "fp32", "--context", $"{context}", "--layers", "1", "--hidden", "32", "--heads", "1", "--kv-heads", "1", "--intermediate", "32");

    /// <summary>A copy that a test may damage: without the sums, which would notice that first.</summary>
    public static string Copy(string precision, int context = 2048)
    {
        var copy = Directory.CreateDirectory(Path.Combine(Root, Guid.NewGuid().ToString("N"))).FullName;
        foreach (var file in Directory.GetFiles(Get(precision, context)).Where(file => Path.GetFileName(file) != "SHA256SUMS")) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }

    /// <summary>A copy with another graph.</summary>
    internal static string Edited(string precision, int context, Action<GraphProto> edit)
    {
        var copy = Copy(precision, context);
        var path = Path.Combine(copy, "model.onnx");
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        edit(model.Graph);
        File.WriteAllBytes(path, model.ToByteArray());
        return copy;
    }

    private static string Get(string name, params string[] arguments) => Folders.GetOrAdd(name, _ => new Lazy<string>(() => Make(name, "random", arguments))).Value;

    private static string Make(string name, string command, params string[] arguments)
    {
        var folder = Path.Combine(Root, name);
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var program = Path.Combine(Repository(), "src/R1Grains.Tuning/bin", configuration, "net10.0/r1-tune.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, command, "--out", folder, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2))) process.Kill(entireProcessTree: true);
        Assert.True(process.ExitCode == 0, $"r1-tune {command} ended with {process.ExitCode}: {output.Result} {error.Result}");
        return folder;
    }

    internal static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "R1Grains.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }

    private static string CreateRoot()
    {
        var root = Directory.CreateTempSubdirectory("r1grains-random-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
        return root;
    }
}
