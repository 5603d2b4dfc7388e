using System.Globalization;
using System.Text.RegularExpressions;

namespace R1Grains.LoadTests.Engine;

/// <summary>
/// Another runtime on the same model, behind a script <c>run.sh MODEL decode|arrivals</c>. It prints a line per
/// measurement; we read from it what we compare with.
/// </summary>
internal sealed partial class Peer(string folder)
{
    /// <returns>Tokens per second by rows.</returns>
    public async Task<IReadOnlyDictionary<int, double>> DecodeAsync(string model, IEnumerable<int> rows, int prompt, int tokens, int threads, CancellationToken cancellation)
    {
        var output = await RunAsync([Path.GetFullPath(model), "decode", "--rows", string.Join(',', rows), "--prompt", $"{prompt}", "--new", $"{tokens}", "--threads", $"{threads}"], cancellation);
        var measured = DecodeLine().Matches(output).ToDictionary(line => int.Parse(line.Groups["rows"].Value, CultureInfo.InvariantCulture), line => Number(line, "tokens"));
        return rows.All(measured.ContainsKey) ? measured : throw Unread(output);
    }

    public async Task<Served> ArrivalsAsync(string model, double rate, double seconds, int prompt, int tokens, int threads, CancellationToken cancellation)
    {
        var output = await RunAsync([Path.GetFullPath(model), "arrivals", "--rate", $"{rate:0.##}", "--seconds", $"{seconds:0.##}", "--prompt", $"{prompt}", "--new", $"{tokens}", "--threads", $"{threads}"], cancellation);
        return ArrivalsLine().Match(output) is { Success: true } line ? new(Number(line, "requests"), Number(line, "tokens"), Number(line, "p95")) : throw Unread(output);
    }

    private Task<string> RunAsync(IEnumerable<string> arguments, CancellationToken cancellation) =>
        ChildProcess.OutputAsync("bash", [Path.GetFullPath(Path.Combine(folder, "run.sh")), .. arguments], cancellation);

    // Some cultures write 1,5; none groups thousands here.
    private static double Number(Match line, string name) => double.Parse(line.Groups[name].Value.Replace(',', '.'), CultureInfo.InvariantCulture);

    private static InvalidDataException Unread(string output) => new($"The peer printed something else than was expected:\n{output}");

    [GeneratedRegex(@"rows=\s*(?<rows>\d+)\b.*?\bdecode\s+(?<tokens>[\d.,]+) tok/s")]
    private static partial Regex DecodeLine();

    [GeneratedRegex(@"served (?<requests>[\d.,]+) req/s\s+(?<tokens>[\d.,]+) tok/s\s+first token p50 [\d.,]+ p95 (?<p95>[\d.,]+)")]
    private static partial Regex ArrivalsLine();
}

/// <param name="FirstP95Ms">From a request's arrival to its first token.</param>
internal sealed record Served(double RequestsPerSecond, double TokensPerSecond, double FirstP95Ms);
