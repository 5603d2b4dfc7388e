using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using Spectre.Console;

namespace R1Grains.LoadTests.Engine;

/// <summary>How soon a first token comes, how many tokens a second, and what it takes in memory, by requests at once.</summary>
internal static class Overview
{
    public const string Name = "overview";

    private const long Mebi = 1 << 20;
    private static readonly int[] AtOnce = [1, 8, 16];
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static async Task MeasureAsync(Bench bench, JsonObject json, CancellationToken cancellation)
    {
        var (clock, load) = (Stopwatch.StartNew(), bench.Load);
        await using var serving = Serving.Start(ModelFolder.Open(bench.Model ?? Bench.Shipped), AtOnce[^1], bench.Threads);
        var (model, loaded) = (serving.Engine.Model, clock.Elapsed.TotalSeconds);

        await RoundAsync(serving, AtOnce[^1], load with { Tokens = 8 }, cancellation);
        var rows = new List<Row>();
        foreach (var atOnce in AtOnce) rows.Add(await MeasureAsync(serving, atOnce, load, cancellation));

        using var process = Process.GetCurrentProcess();
        var facts = new Facts(model.Name, model.Hash, serving.Runs.Threads, load.Prompt, load.Tokens, loaded, process.WorkingSet64 / Mebi, process.PeakWorkingSet64 / Mebi, rows);
        var table = new Table().AddColumns("requests", "tokens/s", "first token p50 ms", "p95 ms", "between tokens p50 ms", "p95 ms");
        foreach (var row in rows)
            table.AddRow($"{row.AtOnce}", $"{row.TokensPerSecond:n0}", $"{row.FirstP50Ms:n1}", $"{row.FirstP95Ms:n1}", $"{row.BetweenP50Ms:n1}", $"{row.BetweenP95Ms:n1}");
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"{model.Name}: prompts of {load.Prompt}, replies of {load.Tokens} tokens, {facts.Threads} threads; loaded in {loaded:n1} s, resident {facts.ResidentMebibytes:n0} MiB (peak {facts.PeakResidentMebibytes:n0})");
        foreach (var (name, value) in JsonSerializer.SerializeToNode(facts, JsonOptions)!.AsObject()) json[name] = value?.DeepClone();
    }

    private static async Task<Row> MeasureAsync(Serving serving, int atOnce, Load load, CancellationToken cancellation)
    {
        var (clock, replies) = (Stopwatch.StartNew(), new List<Reply>());
        for (var round = 0; round < load.Rounds; round++) replies.AddRange(await RoundAsync(serving, atOnce, load, cancellation));
        var seconds = clock.Elapsed.TotalSeconds;
        var (first, between) = (replies.ConvertAll(reply => reply.FirstMs), replies.SelectMany(reply => reply.GapsMs).ToList());
        return new Row(atOnce, (double)load.Rounds * atOnce * load.Tokens / seconds, first.Median(), first.Quantile(0.95), between.Median(), between.Quantile(0.95));
    }

    private static Task<Reply[]> RoundAsync(Serving serving, int atOnce, Load load, CancellationToken cancellation) => Task.WhenAll(Enumerable.Range(0, atOnce).Select(i =>
        serving.ReplyAsync(Prompt(serving.Engine.Model, i, load.Prompt), new SamplingOptions { Seed = (ulong)i, MaxTokens = load.Tokens }, scope: null, cancellation)));

    /// <summary>A customer's question after facts that differ from request to request, exactly <paramref name="length"/> ids long.</summary>
    private static int[] Prompt(Model model, int number, int length)
    {
        var facts = string.Concat(Enumerable.Range(0, length).Select(i => $"{number * 31 + i} 号产品的年费是 {i * 7 % 900} 元。"));
        return model.Template.Render([new(ChatRole.User, facts)])[..length];
    }

    internal sealed record Load(int Prompt, int Tokens, int Rounds);

    private sealed record Facts(
        string Model, string ModelHash, int Threads, int PromptTokens, int ReplyTokens,
        double LoadSeconds, long ResidentMebibytes, long PeakResidentMebibytes, IReadOnlyList<Row> Rows);

    private sealed record Row(int AtOnce, double TokensPerSecond, double FirstP50Ms, double FirstP95Ms, double BetweenP50Ms, double BetweenP95Ms);
}
