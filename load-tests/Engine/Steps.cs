using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

/// <summary>What a decode step costs beyond the model's own run: time, managed memory, and the wait for a cancelled row.</summary>
internal static class Steps
{
    private const int Rows = 8;
    private const int Prompt = 300;

    // Rows join one after the other; replies are long enough for all to be there together for a while.
    private const int Tokens = 600;
    private const int Cancellations = 100;
    private static readonly SamplingOptions Greedy = new() { Temperature = 0, MaxTokens = Tokens };
    private static readonly SamplingOptions Sampled = new() { Temperature = 0.6f, TopP = 0.95f, MaxTokens = Tokens };

    /// <summary>A decode step, from the beginning of its run to that of the next.</summary>
    public readonly record struct Step(double Seconds, double RunSeconds, long Allocated);

    public static async Task MeasureAsync(Bench bench, CancellationToken cancellation)
    {
        var folder = await bench.OpenAsync(cancellation);
        await using (var serving = Serving.Start(folder, Rows, bench.Threads, Serving.Gathering)) await MeasureStepsAsync(bench, serving, cancellation);

        Bench.Say("cancellations");
        await using var prompt = Serving.Start(folder, Rows, bench.Threads);
        await StepsAsync(prompt, Greedy, cancellation);
        bench.Figures.Add("cancel_extra_ms_p95", (await CancelAsync(prompt, cancellation)).Quantile(0.95));
    }

    private static async Task MeasureStepsAsync(Bench bench, Serving serving, CancellationToken cancellation)
    {
        await StepsAsync(serving, Greedy, cancellation);
        await StepsAsync(serving, Sampled, cancellation);
        var (greedy, sampled, allocated) = (new List<double>(), new List<double>(), new List<double>());
        for (var block = 0; block < bench.Blocks; block++)
        {
            Bench.Say($"steps, block {block + 1} of {bench.Blocks}");
            foreach (var (sampling, fractions) in new[] { (Greedy, greedy), (Sampled, sampled) })
            {
                var steps = await StepsAsync(serving, sampling, cancellation);
                fractions.Add(1 - steps.Sum(step => step.RunSeconds) / steps.Sum(step => step.Seconds));
                allocated.Add(steps.Average(step => step.Allocated));
            }
        }
        bench.Figures.Add("step_overhead_fraction", greedy.Median());
        bench.Figures.Add("step_overhead_fraction_sampled", sampled.Median());
        bench.Figures.Add("step_allocated_bytes", allocated.Median());
    }

    /// <summary>Steps in which all of <paramref name="rows"/> decode and nothing else is done, the first few apart: new shapes are bound in them.</summary>
    public static IReadOnlyList<Step> Steady(ReadOnlySpan<Call> calls, int rows)
    {
        const int settling = 4;
        var (steps, full) = (new List<Step>(), 0);
        for (var i = 0; i + 1 < calls.Length; i++)
        {
            full = calls[i].Rows == rows ? full + 1 : 0;
            if (full > settling && calls[i + 1].Rows == rows)
                steps.Add(new Step(Stopwatch.GetElapsedTime(calls[i].Start, calls[i + 1].Start).TotalSeconds, calls[i].RunSeconds, calls[i + 1].Allocated - calls[i].Allocated));
        }
        return steps;
    }

    private static async Task<IReadOnlyList<Step>> StepsAsync(Serving serving, SamplingOptions sampling, CancellationToken cancellation)
    {
        serving.Runs.Forget();
        await Task.WhenAll(Enumerable.Range(0, Rows).Select(row => serving.ReplyAsync(Prompts.Of(serving.Engine.Model, row, Prompt), sampling with { Seed = (ulong)row }, scope: null, cancellation)));
        return Steady(serving.Runs.Calls, Rows);
    }

    /// <summary>
    /// In milliseconds, from the end of the run under way when a reply was cancelled to its reader's hearing of its end,
    /// which the engine tells as it frees the slot.
    /// </summary>
    private static async Task<IReadOnlyList<double>> CancelAsync(Serving serving, CancellationToken cancellation)
    {
        var (random, extra) = (new Random(1), new List<double>());
        serving.Runs.Forget();
        await using var neighbours = await Neighbours.StartAsync(serving, Rows - 1, cancellation);
        for (var i = 0; i < Cancellations; i++)
        {
            using var one = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var cancelled = serving.ReplyAsync(Prompts.Of(serving.Engine.Model, i, 32), Greedy with { MaxTokens = 1_000 }, scope: null, one.Token);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(20, 60)), TimeProvider.System, cancellation);
            var asked = Stopwatch.GetTimestamp();
            await one.CancelAsync();
            var ended = (await cancelled).Ended;
            extra.Add(Stopwatch.GetElapsedTime(EndOfRun(serving.Runs.Calls, asked), ended).TotalMilliseconds);
        }
        return extra;
    }

    private static long EndOfRun(ReadOnlySpan<Call> calls, long asked)
    {
        foreach (var call in calls)
            if (call.End >= asked) return call.Start <= asked ? call.End : asked;
        return asked;
    }
}
