using System.Diagnostics;
using R1Grains.Engine;
using R1Grains.Engine.Models;

namespace R1Grains.LoadTests.Engine;

/// <summary>
/// Requests arrive by chance: what is served of more than can be, and how long a first token takes at four fifths of
/// what the peer can serve; with prompts that begin alike, as those of one tenant do, and with prompts that share nothing.
/// </summary>
internal static class Arrivals
{
    private const int Rows = 64;
    private const int Shared = 256;
    private const int Prompt = 400;
    private const int Tokens = 64;
    private const double PeerRate = 30;
    private const double Busy = 0.8;
    private static readonly SamplingOptions Greedy = new() { Temperature = 0, MaxTokens = Tokens };

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        var folder = await bench.OpenAsync(cancellation);
        await using var serving = Serving.Start(folder, Rows, bench.Threads);
        var (prompts, figures) = (new FreshPrompts(serving.Engine.Model), bench.Figures);
        await OursAsync(serving, prompts, shared: true, bench.Rate, seconds: 1, seed: 0, cancellation);

        var saturated = (Peer: new List<Served>(), Shared: new List<Served>(), Unique: new List<Served>());
        for (var block = 1; block <= bench.Blocks; block++)
        {
            Bench.Say($"arrivals at saturation, block {block} of {bench.Blocks}");
            await ServeAsync(saturated, block, bench.Rate, PeerRate);
        }
        var ours = (Shared: Best(saturated.Shared), Unique: Best(saturated.Unique));
        figures.Add("arrivals_tokens_per_second", ours.Shared);
        figures.Add("arrivals_tokens_per_second_unique", ours.Unique);
        figures.Add("arrivals_requests_per_second", saturated.Shared.Max(served => served.RequestsPerSecond));
        if (saturated.Shared.Concat(saturated.Unique).Max(served => served.RequestsPerSecond) > 0.9 * bench.Rate)
            Console.Error.WriteLine($"Nearly all of {bench.Rate:n0} requests per second were served: offer more with --rate, the engine was not saturated.");
        if (bench.Peer is null)
        {
            figures.LeaveOut("no peer", "arrivals_tokens_ratio", "arrivals_tokens_ratio_unique", "arrivals_ttft_p95_ratio", "arrivals_ttft_p95_ratio_unique");
            return;
        }
        var theirs = Best(saturated.Peer);
        figures.Add("peer_arrivals_tokens_per_second", theirs);
        figures.Add("arrivals_tokens_ratio", ours.Shared / theirs);
        figures.Add("arrivals_tokens_ratio_unique", ours.Unique / theirs);

        var rate = Busy * saturated.Peer.Max(served => served.RequestsPerSecond);
        var busy = (Peer: new List<Served>(), Shared: new List<Served>(), Unique: new List<Served>());
        for (var block = 1; block <= bench.Blocks; block++)
        {
            Bench.Say($"arrivals at {rate:n1}/s, block {block} of {bench.Blocks}");
            await ServeAsync(busy, block, rate, rate);
        }
        figures.Add("arrivals_rate", rate);
        foreach (var (name, served) in new[] { ("peer_arrivals_ttft_p95_ms", busy.Peer), ("arrivals_ttft_p95_ms", busy.Shared), ("arrivals_ttft_p95_ms_unique", busy.Unique) })
            figures.Add(name, First(served));
        figures.Add("arrivals_ttft_p95_ratio", First(busy.Shared) / First(busy.Peer));
        figures.Add("arrivals_ttft_p95_ratio_unique", First(busy.Unique) / First(busy.Peer));

        async Task ServeAsync((List<Served> Peer, List<Served> Shared, List<Served> Unique) served, int seed, double rate, double peerRate)
        {
            served.Shared.Add(await OursAsync(serving, prompts, shared: true, rate, bench.Seconds, seed, cancellation));
            served.Unique.Add(await OursAsync(serving, prompts, shared: false, rate, bench.Seconds, seed, cancellation));
            if (bench.Peer is not null)
                served.Peer.Add(await bench.Peer.ArrivalsAsync(folder.Path, peerRate, bench.Seconds, Prompt, Tokens, serving.Runs.Threads, cancellation));
        }
    }

    private static double Best(IEnumerable<Served> blocks) => blocks.Max(served => served.TokensPerSecond);

    private static double First(IEnumerable<Served> blocks) => blocks.Select(served => served.FirstP95Ms).Median();

    private static async Task<Served> OursAsync(Serving serving, FreshPrompts prompts, bool shared, double rate, double seconds, int seed, CancellationToken cancellation)
    {
        var (firsts, wall) = await OpenLoop.RunAsync(rate, seconds, seed, async (_, due) =>
        {
            var reply = await serving.ReplyAsync(prompts.Next(shared), Greedy, scope: "arrivals", cancellation);
            return Stopwatch.GetElapsedTime(due, reply.Times[0]).TotalMilliseconds;
        }, cancellation);
        return new Served(firsts.Length / wall, firsts.Length * Tokens / wall, firsts.Quantile(0.95));
    }

    /// <summary>Prompts of which none comes twice.</summary>
    private sealed class FreshPrompts(Model model)
    {
        private readonly int[] _shared = Prompts.Of(model, seed: 0, Shared);
        private int _seed;

        public int[] Next(bool shared)
        {
            var seed = Interlocked.Increment(ref _seed);
            return shared ? [.. _shared, .. Prompts.Of(model, seed, Prompt - Shared)] : Prompts.Of(model, seed, Prompt);
        }
    }
}
