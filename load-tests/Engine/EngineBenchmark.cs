using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace R1Grains.LoadTests.Engine;

/// <summary>The figures of the engine, alone and beside a peer, and of the host that holds it.</summary>
internal static class EngineBenchmark
{
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    // In the order in which they are measured.
    private static readonly IReadOnlyDictionary<string, Func<Bench, CancellationToken, Task>> Sections = new Dictionary<string, Func<Bench, CancellationToken, Task>>
    {
        ["decode"] = SingleStream.MeasureAsync,
        ["arrivals"] = Arrivals.MeasureAsync,
        ["warm"] = WarmTurn.MeasureAsync,
        ["steps"] = async (bench, cancellation) =>
        {
            await Steps.MeasureAsync(bench, cancellation);
            await Interference.MeasureAsync(bench, cancellation);
        },
        ["determinism"] = Determinism.MeasureAsync,
        ["turns"] = Turns.MeasureAsync,
    };

    public static Command Command()
    {
        var only = new Option<string>("--only") { Description = $"Sections with commas between: {Overview.Name}, {string.Join(", ", Sections.Keys)}. Default: all." };
        var model = new Option<string?>("--model") { Description = $"A model folder for everything. Default: {Bench.Shipped} for {Overview.Name} and turns, random weights for the rest." };
        var peer = new Option<DirectoryInfo?>("--peer") { Description = "A folder whose run.sh measures another runtime. Default: figures beside a peer are left out." };
        var threads = new Option<int>("--threads") { Description = "Threads of one run; 0 for the cores of the machine." };
        var blocks = new Option<int>("--blocks") { Description = "Blocks of each measurement: throughputs are the best of them, latencies the median.", DefaultValueFactory = _ => 5 };
        var seconds = new Option<double>("--seconds") { Description = "For how long requests arrive in a block of arrivals.", DefaultValueFactory = _ => 20 };
        var rate = new Option<double>("--rate") { Description = "Requests a second that are to saturate the engine.", DefaultValueFactory = _ => 60 };
        var prompt = new Option<int>("--prompt") { Description = $"Tokens of each prompt of the {Overview.Name}.", DefaultValueFactory = _ => 256 };
        var tokens = new Option<int>("--tokens") { Description = $"Tokens of each reply of the {Overview.Name}.", DefaultValueFactory = _ => 128 };
        var rounds = new Option<int>("--rounds") { Description = $"Measured rounds per row of the {Overview.Name}.", DefaultValueFactory = _ => 5 };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        only.Validators.Add(result =>
        {
            foreach (var name in Names(result.GetValueOrDefault<string>()))
                if (name != Overview.Name && !Sections.ContainsKey(name))
                    result.AddError($"--only names '{name}'; there are {Overview.Name}, {string.Join(", ", Sections.Keys)}.");
        });
        var command = new Command("engine", "Throughput, latency, memory and determinism of the engine; exit code 1 when a figure misses its floor.") { only, model, peer, threads, blocks, seconds, rate, prompt, tokens, rounds, json };
        command.SetAction((arguments, cancellation) => RunAsync(
            Names(arguments.GetValue(only)),
            new Bench(
                arguments.GetValue(model),
                arguments.GetValue(peer) is { } folder ? new Peer(folder.FullName) : null,
                arguments.GetValue(threads),
                arguments.GetValue(blocks),
                arguments.GetValue(seconds),
                arguments.GetValue(rate),
                new Overview.Load(arguments.GetValue(prompt), arguments.GetValue(tokens), arguments.GetValue(rounds))),
            arguments.GetValue(json)?.FullName,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(IReadOnlyList<string> only, Bench bench, string? path, CancellationToken cancellation)
    {
        var json = new JsonObject { ["subject"] = "engine", ["cores"] = Environment.ProcessorCount };
        if (IsAsked(Overview.Name)) await Overview.MeasureAsync(bench, json, cancellation);
        foreach (var (name, measure) in Sections)
            if (IsAsked(name))
                await measure(bench, cancellation);
        if (bench.Figures.Any) AnsiConsole.Write(bench.Figures.ToTable());
        bench.Figures.WriteTo(json);
        if (path is not null) await File.WriteAllTextAsync(path, json.ToJsonString(JsonOptions), cancellation);
        return bench.Figures.MissAny ? 1 : 0;

        bool IsAsked(string name) => only.Count == 0 || only.Contains(name);
    }

    private static string[] Names(string? only) => only?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
