using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>How much slower eight rows decode while a long prompt is prefilled beside them, and how fast that is.</summary>
internal static class Interference
{
    private const int Rows = 8;
    private const int Prompt = 6_000;
    private static readonly TimeSpan Around = TimeSpan.FromSeconds(1);
    private static readonly SamplingOptions One = new() { Temperature = 0, MaxTokens = 1 };

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        await using var serving = Serving.Start(await bench.OpenAsync(cancellation), Rows + 1, bench.Threads);
        var prompt = Math.Min(Prompt, serving.Engine.Model.ContextLength - 1);
        var (ratios, beside, alone) = (new List<double>(), new List<double>(), new List<double>());
        for (var block = 0; block < bench.Blocks; block++)
        {
            Bench.Say($"prefill beside neighbours, block {block + 1} of {bench.Blocks}");
            alone.Add(await PrefillAsync());
            await using var neighbours = await Neighbours.StartAsync(serving, Rows, cancellation);
            var start = Stopwatch.GetTimestamp();
            await Task.Delay(Around, TimeProvider.System, cancellation);
            var submitted = Stopwatch.GetTimestamp();
            beside.Add(await PrefillAsync());
            var answered = Stopwatch.GetTimestamp();
            await Task.Delay(Around, TimeProvider.System, cancellation);
            var rows = await neighbours.StopAsync();
            // Replies grow meanwhile, and longer ones take longer from token to token by themselves.
            var alike = (MedianGap(rows, start, submitted) + MedianGap(rows, answered, Stopwatch.GetTimestamp())) / 2;
            ratios.Add(MedianGap(rows, submitted, answered) / alike);

            async Task<double> PrefillAsync() =>
                prompt / (await serving.ReplyAsync(Prompts.Of(serving.Engine.Model, block, prompt), One, scope: null, cancellation)).FirstMs * 1_000;
        }
        bench.Figures.Add("itl_during_prefill_ratio", ratios.Median());
        bench.Figures.Add("prefill_tokens_per_second", beside.Max());
        bench.Figures.Add("prefill_tokens_per_second_alone", alone.Max());
    }

    private static double MedianGap(IReadOnlyList<long>[] rows, long from, long to) =>
        rows.SelectMany(times => times.Zip(times.Skip(1))).Where(gap => gap.First >= from && gap.Second <= to).Select(gap => (double)(gap.Second - gap.First)).Median();
}
