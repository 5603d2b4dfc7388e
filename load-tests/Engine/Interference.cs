using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>How much further apart the tokens of eight rows come while one long prompt, or short ones in a row, are prefilled beside them.</summary>
internal static class Interference
{
    private const int Rows = 8;
    private const int Long = 6_000;
    private const int Short = 200;
    private const int ShortPrompts = 30;
    private static readonly TimeSpan Around = TimeSpan.FromSeconds(1);
    private static readonly SamplingOptions One = new() { Temperature = 0, MaxTokens = 1 };

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        await using var serving = Serving.Start(await bench.OpenAsync(cancellation), Rows + 1, bench.Threads);
        var longest = Math.Min(Long, serving.Engine.Model.ContextLength - 1);
        var (longRatios, shortRatios, beside, alone) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var block = 0; block < bench.Blocks; block++)
        {
            Bench.Say($"prefill beside neighbours, block {block + 1} of {bench.Blocks}");
            alone.Add(await PrefillAsync(longest, block));
            longRatios.Add(await RatioAsync(async () => beside.Add(await PrefillAsync(longest, block))));
            shortRatios.Add(await RatioAsync(async () =>
            {
                for (var i = 0; i < ShortPrompts; i++) await PrefillAsync(Short, 1_000 * (block + 1) + i);
            }));
        }
        bench.Figures.Add("itl_during_prefill_ratio", longRatios.Median());
        bench.Figures.Add("itl_beside_short_prompts_ratio", shortRatios.Median());
        bench.Figures.Add("prefill_tokens_per_second", beside.Max());
        bench.Figures.Add("prefill_tokens_per_second_alone", alone.Max());

        async Task<double> RatioAsync(Func<Task> prefill)
        {
            await using var neighbours = await Neighbours.StartAsync(serving, Rows, cancellation);
            var start = Stopwatch.GetTimestamp();
            await Task.Delay(Around, TimeProvider.System, cancellation);
            var submitted = Stopwatch.GetTimestamp();
            await prefill();
            var answered = Stopwatch.GetTimestamp();
            await Task.Delay(Around, TimeProvider.System, cancellation);
            var rows = await neighbours.StopAsync();
            var during = Gaps(rows, submitted, answered);
            var alone = Line([.. Gaps(rows, start, submitted), .. Gaps(rows, answered, Stopwatch.GetTimestamp())]);
            return during.Sum(gap => gap.Ticks) / during.Sum(gap => alone(gap.Length));
        }

        async Task<double> PrefillAsync(int ids, int seed) =>
            ids / (await serving.ReplyAsync(Prompts.Of(serving.Engine.Model, seed, ids), One, scope: null, cancellation)).FirstMs * 1_000;
    }

    private static List<Gap> Gaps(IReadOnlyList<long>[] rows, long from, long to) =>
        [.. rows.SelectMany(times => times.Zip(times.Skip(1)).Select((pair, length) => (pair, length)))
            .Where(gap => gap.pair.First >= from && gap.pair.Second <= to)
            .Select(gap => new Gap(gap.length, gap.pair.Second - gap.pair.First))];

    /// <summary>
    /// What a gap takes at a length, by least squares: attention's time rises in line with the length, and replies grow
    /// while the prompt is computed, so that a mean of before and after would belong to another length.
    /// </summary>
    private static Func<double, double> Line(IReadOnlyList<Gap> gaps)
    {
        var (length, ticks) = (gaps.Average(gap => (double)gap.Length), gaps.Average(gap => (double)gap.Ticks));
        var slope = gaps.Sum(gap => (gap.Length - length) * (gap.Ticks - ticks)) / gaps.Sum(gap => (gap.Length - length) * (gap.Length - length));
        return at => ticks + slope * (at - length);
    }

    /// <param name="Length">Ids of the reply before it.</param>
    private readonly record struct Gap(int Length, long Ticks);
}
