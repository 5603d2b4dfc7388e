using System.Reflection;

namespace R1Grains.LoadTests.Engine;

/// <summary>Models of 5 million random weights with a context of 8,192: made once, kept in the temporary folder.</summary>
internal static class RandomModel
{
    private static readonly string[] Shape = ["--hidden", "256", "--heads", "8", "--kv-heads", "2", "--intermediate", "640", "--layers", "6", "--context", "8192"];

    /// <returns>The model's folder.</returns>
    public static async Task<string> GetAsync(string precision, CancellationToken cancellation)
    {
        var folder = Path.Combine(Path.GetTempPath(), "r1grains-models", $"random-5m-{precision}");
        if (Directory.Exists(folder)) return folder;
        Bench.Say($"making a random model, {precision}");
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        var unfinished = $"{folder}-{Guid.NewGuid():n}";
        await ChildProcess.OutputAsync("dotnet", ["run", "-c", "Release", "--project", Built("r1-tune"), "--", "random", .. Shape, "--precision", precision, "--out", unfinished], cancellation);
        Directory.Move(unfinished, folder);
        return folder;
    }

    /// <summary>Where what we start but do not load lies, as the project file says.</summary>
    public static string Built(string name) =>
        Path.GetFullPath(typeof(RandomModel).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == name).Value!);
}
