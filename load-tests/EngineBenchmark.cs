using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using HdrHistogram;
using R1Grains.Engine;
using R1Grains.Engine.Models;
using R1Grains.Engine.Onnx;
using Spectre.Console;

namespace R1Grains.LoadTests;

/// <summary>How soon a first token comes, how many tokens a second, and what it takes in memory, by requests at once.</summary>
internal static class EngineBenchmark
{
    private const long Mebi = 1 << 20;
    private static readonly int[] AtOnce = [1, 8, 16];
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Command()
    {
        var model = new Option<string>("--model") { Description = "Model folder.", DefaultValueFactory = _ => "deploy/models/r1-tiny" };
        var prompt = new Option<int>("--prompt") { Description = "Tokens of each prompt.", DefaultValueFactory = _ => 256 };
        var tokens = new Option<int>("--tokens") { Description = "Tokens of each reply.", DefaultValueFactory = _ => 128 };
        var rounds = new Option<int>("--rounds") { Description = "Measured rounds per row of the table.", DefaultValueFactory = _ => 5 };
        var threads = new Option<int>("--threads") { Description = "Threads of one run; 0 for the cores of the machine." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("engine", "First token, tokens per second and memory of a model folder.") { model, prompt, tokens, rounds, threads, json };
        command.SetAction((arguments, cancellation) => RunAsync(
            arguments.GetRequiredValue(model),
            new Load(arguments.GetValue(prompt), arguments.GetValue(tokens), arguments.GetValue(rounds)),
            arguments.GetValue(threads),
            arguments.GetValue(json)?.FullName,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string path, Load load, int threads, string? json, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var folder = ModelFolder.Open(path);
        var model = folder.Model with { StopIds = [] }; // Replies of one length, whatever the model would like to say.
        var runner = new OnnxModelRunner(folder, AtOnce[^1], threads);
        await using var engine = new InferenceEngine(model, runner, new EngineOptions { Folder = path }, TimeProvider.System);
        var loaded = clock.Elapsed.TotalSeconds;

        await RoundAsync(engine, AtOnce[^1], load with { Tokens = 8 }, new Times(), cancellation);
        var rows = new List<EngineRow>();
        foreach (var atOnce in AtOnce) rows.Add(await MeasureAsync(engine, atOnce, load, cancellation));

        using var process = Process.GetCurrentProcess();
        var figures = new EngineFigures("engine", model.Name, model.Hash, runner.Threads, load.Prompt, load.Tokens, loaded, process.WorkingSet64 / Mebi, process.PeakWorkingSet64 / Mebi, rows);
        var table = new Table().AddColumns("requests", "tokens/s", "first token p50 ms", "p95 ms", "between tokens p50 ms", "p95 ms");
        foreach (var row in rows)
            table.AddRow($"{row.AtOnce}", $"{row.TokensPerSecond:n0}", $"{row.FirstP50Ms:n1}", $"{row.FirstP95Ms:n1}", $"{row.BetweenP50Ms:n1}", $"{row.BetweenP95Ms:n1}");
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"{model.Name}: prompts of {load.Prompt}, replies of {load.Tokens} tokens, {runner.Threads} threads; loaded in {loaded:n1} s, resident {figures.ResidentMebibytes:n0} MiB (peak {figures.PeakResidentMebibytes:n0})");
        if (json is not null) await File.WriteAllTextAsync(json, JsonSerializer.Serialize(figures, JsonOptions), cancellation);
        return 0;
    }

    private static async Task<EngineRow> MeasureAsync(InferenceEngine engine, int atOnce, Load load, CancellationToken cancellation)
    {
        var times = new Times();
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < load.Rounds; round++) await RoundAsync(engine, atOnce, load, times, cancellation);
        var seconds = clock.Elapsed.TotalSeconds;
        return new EngineRow(atOnce, (double)load.Rounds * atOnce * load.Tokens / seconds,
            Milliseconds(times.First, 50), Milliseconds(times.First, 95), Milliseconds(times.Between, 50), Milliseconds(times.Between, 95));
    }

    private static Task RoundAsync(InferenceEngine engine, int atOnce, Load load, Times times, CancellationToken cancellation) =>
        Task.WhenAll(Enumerable.Range(0, atOnce).Select(i => RequestAsync(engine, i, load, times, cancellation)));

    private static async Task RequestAsync(InferenceEngine engine, int number, Load load, Times times, CancellationToken cancellation)
    {
        var request = new GenerationRequest
        {
            Id = $"{number}",
            Prompt = Prompt(engine.Model, number, load.Prompt),
            Sampling = new SamplingOptions { Seed = (ulong)number, MaxTokens = load.Tokens },
        };
        var last = Stopwatch.GetTimestamp();
        var histogram = times.First;
        await foreach (var emission in engine.GenerateAsync(request, cancellation))
        {
            if (emission.Completion is { Reason: not FinishReason.Length } ended) throw new InvalidOperationException($"A reply ended with {ended.Reason}: {ended.Error}");
            if (emission.Kind != EmissionKind.Token) continue;
            lock (times) histogram.RecordValue((long)Stopwatch.GetElapsedTime(last).TotalMicroseconds);
            (last, histogram) = (Stopwatch.GetTimestamp(), times.Between);
        }
    }

    /// <summary>A customer's question after facts that differ from request to request, exactly <paramref name="length"/> ids long.</summary>
    private static int[] Prompt(Model model, int number, int length)
    {
        var facts = string.Concat(Enumerable.Range(0, length).Select(i => $"{number * 31 + i} 号产品的年费是 {i * 7 % 900} 元。"));
        return model.Template.Render([new(ChatRole.User, facts)])[..length];
    }

    private static double Milliseconds(LongHistogram histogram, double percentile) => histogram.GetValueAtPercentile(percentile) / 1000.0;

    private sealed record Load(int Prompt, int Tokens, int Rounds);

    /// <summary>In microseconds.</summary>
    private sealed class Times
    {
        public LongHistogram First { get; } = new(TimeSpan.MicrosecondsPerHour, 3);

        public LongHistogram Between { get; } = new(TimeSpan.MicrosecondsPerHour, 3);
    }

    private sealed record EngineFigures(
        string Subject, string Model, string ModelHash, int Threads, int PromptTokens, int ReplyTokens,
        double LoadSeconds, long ResidentMebibytes, long PeakResidentMebibytes, IReadOnlyList<EngineRow> Rows);

    private sealed record EngineRow(int AtOnce, double TokensPerSecond, double FirstP50Ms, double FirstP95Ms, double BetweenP50Ms, double BetweenP95Ms);
}
