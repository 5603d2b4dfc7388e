using System.Diagnostics;
using System.Text.Json.Nodes;

namespace R1Grains.Tests.Gateway;

/// <summary>Needs node, and npm to fetch the client's packages once per machine into a cache folder outside the tree.</summary>
public sealed class NodeClientTests
{
    private static readonly string[] Packages = ["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.1"];

    [Fact]
    public async Task A_conversation_is_held_from_another_language_with_the_protos_alone()
    {
        await using var host = await EmbeddedHost.Start();
        var output = await Run("node", [
            Path.Combine(AppContext.BaseDirectory, "Gateway", "conversation.mjs"), new Uri(host.Address).Authority,
            Path.Combine(AppContext.BaseDirectory, "protos"), await Modules()]);
        var seen = JsonNode.Parse(output)!;

        var said = seen["said"]!.AsArray();
        Assert.Equal(3, said.Count);
        foreach (var (turn, index) in said.Select((turn, i) => (turn!, i + 1)))
        {
            var events = turn["events"]!.AsArray().Select(e => (string)e!).ToArray();
            Assert.Equal("accepted", events[0]);
            Assert.Equal("completed", events[^1]);
            Assert.Equal($"{seen["name"]}/turns/{index}", (string?)turn["name"]);
            Assert.NotEmpty(turn["deltas"]!.AsArray());
            Assert.Equal(Enumerable.Range(1, turn["deltas"]!.AsArray().Count), turn["sequences"]!.AsArray().Select(n => (int)n!));
            Assert.Equal(Text(turn), (string?)seen["listed"]![index - 1]!["output"]);
            Assert.Equal((string?)turn["text"], (string?)seen["window"]!["turns"]![index - 1]!["input"]);
        }
        Assert.Equal(Text(said[2]!), Text(seen["again"]!));
        Assert.Equal(3, seen["listed"]!.AsArray().Count);
        Assert.Equal("REQUEST_ID_REUSED", (string?)seen["refused"]);
        Assert.Equal("COMPLETED", (string?)seen["state"]);

        static string Text(JsonNode turn) => string.Concat(turn["deltas"]!.AsArray().Select(delta => (string)delta!));
    }

    private static async Task<string> Modules()
    {
        var folder = Path.Combine(Path.GetTempPath(), "r1grains-tests", string.Join('+', Packages).Replace('/', '-'));
        if (Directory.Exists(folder))
            return folder;
        var fresh = $"{folder}-{Guid.NewGuid():N}";
        Directory.CreateDirectory(fresh);
        await Run("npm", ["install", "--prefix", fresh, "--no-audit", "--no-fund", "--ignore-scripts", .. Packages]);
        try
        {
            Directory.Move(fresh, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(fresh, recursive: true); // Another test process was first.
        }
        return folder;
    }

    private static async Task<string> Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(4));
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}\n{await errors}\n{await output}");
            return await output;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
