using System.Diagnostics;
using Grpc.Net.Client;
using R1Grains.V1;

namespace R1Grains.LoadTests.Engine;

/// <summary>Turns per second that the whole host answers, ninety-nine in a hundred of them within 800 ms: each in a conversation of its own, sent when it is due.</summary>
internal static class Turns
{
    private const double FirstRate = 4;
    private const double P99MsMax = 800;

    // Rates are told apart as far as this.
    private const double Precision = 1.06;
    private const double TrialSeconds = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(140);

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        var (host, address) = await HostProcess.StartAsync(bench.Model ?? Bench.Shipped, Questions.Policy, Questions.Facts, cancellation);
        await using var _ = host;
        using var channel = GrpcChannel.ForAddress(address, new() { HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, UseProxy = false } });
        var load = new TurnLoad(new ConversationService.ConversationServiceClient(channel), new TurnService.TurnServiceClient(channel), Patience);
        await load.TryAsync(FirstRate, seconds: 5, cancellation);

        var (low, high, clock, best) = (0.0, double.PositiveInfinity, Stopwatch.StartNew(), (Trial?)null);
        for (var rate = FirstRate; clock.Elapsed < Budget && high / low > Precision; rate = double.IsInfinity(high) ? 2 * low : low == 0 ? high / 2 : Math.Sqrt(low * high))
        {
            if (await PassAsync(rate) is { } passed) (low, best) = (rate, passed);
            else high = rate;
        }
        bench.Figures.Add("turns_per_second_p99_800ms", low);
        bench.Figures.Add("turn_p50_ms", best?.P50Ms ?? double.NaN);
        bench.Figures.Add("turn_p99_ms", best?.P99Ms ?? double.NaN);
        bench.Figures.Add("turn_prompt_tokens_mean", best?.PromptTokens ?? double.NaN);
        bench.Figures.Add("turn_tokens_mean", best?.ReplyTokens ?? double.NaN);
        bench.Figures.Add("rss_mib", host.ResidentMebibytes);

        // A rate has failed when it fails twice: one moment in which the machine was elsewhere would shut off all rates above.
        async Task<Trial?> PassAsync(double rate)
        {
            for (var tries = 0; tries < 2; tries++)
            {
                var trial = await load.TryAsync(rate, TrialSeconds, cancellation);
                Bench.Say($"turns at {rate:n1}/s: p50 {trial.P50Ms:n0} ms, p99 {trial.P99Ms:n0} ms, {trial.Failed} of {trial.Turns} failed");
                if (trial.Failed == 0 && trial.P99Ms <= P99MsMax) return trial;
            }
            return null;
        }
    }
}
