using System.CommandLine;
using System.Text.Json;
using R1Grains.Engine.Models;
using Spectre.Console;

namespace R1Grains.LoadTests;

/// <summary>What a long context costs: memory, prefill and one row's tokens, by the positions that are filled.</summary>
internal static class ContextBenchmark
{
    private const int Stride = 1_024;
    private const int Tokens = 41;
    private static readonly int[] Lengths = [1_024, 2_048, 4_096, 8_192, 16_384, 32_768];
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Command()
    {
        var models = new Option<string[]>("--model") { Description = "Model folder of up to 32,768 positions; name a second one to compare.", Required = true, Arity = new ArgumentArity(1, 2), AllowMultipleArgumentsPerToken = true };
        var threads = new Option<int>("--threads") { Description = "Threads of one run; 0 for the cores of the machine." };
        var picture = new Option<FileInfo?>("--out") { Description = "Draw the figures into this PNG file." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("context", "Memory, prefill and tokens of one row, by the length of its context.") { models, threads, picture, json };
        command.SetAction(async (arguments, cancellation) =>
        {
            var figures = Measure(arguments.GetRequiredValue(models), arguments.GetValue(threads), cancellation);
            AnsiConsole.Write(Table(figures));
            if (arguments.GetValue(picture)?.FullName is { } png) ContextPicture.Draw(figures, png);
            if (arguments.GetValue(json)?.FullName is { } file) await File.WriteAllTextAsync(file, JsonSerializer.Serialize(figures, JsonOptions), cancellation);
        });
        return command;
    }

    /// <summary>The models take turns all the way, so that whatever else the machine does falls on both.</summary>
    private static List<ContextFigures> Measure(string[] paths, int threads, CancellationToken cancellation)
    {
        var folders = Array.ConvertAll(paths, ModelFolder.Open);
        using var unmeasured = new ContextRun(folders[0], threads); // What the libraries take is nobody's.
        var contexts = new List<ContextRun>();
        try
        {
            foreach (var folder in folders) contexts.Add(new ContextRun(folder, threads));
            var within = Lengths.Where(length => contexts.TrueForAll(context => length <= context.LengthMax)).ToList();
            for (var length = Stride; length <= within.LastOrDefault(); length += Stride)
                foreach (var context in contexts)
                    context.Reach(length, isMeasured: within.Contains(length), cancellation);
            foreach (var length in within)
                for (var i = 0; i < Tokens; i++)
                    contexts.ForEach(context => context.Decode(length));
            return [.. contexts.Zip(folders, (context, folder) => new ContextFigures("context", folder.Model.Name, folder.Model.Hash, context.Threads, context.Rows()))];
        }
        finally
        {
            contexts.ForEach(context => context.Dispose());
        }
    }

    private static Table Table(List<ContextFigures> figures)
    {
        var table = new Table().AddColumns("model", "positions", "MiB", "KV MiB", "prefill/s", "at its end", "token p50 ms", "p95 ms");
        foreach (var model in figures)
            foreach (var row in model.Rows)
                table.AddRow(model.Model, $"{row.Length:n0}", $"{row.ResidentMebibytes:n0}", $"{row.KvMebibytes:n1}", $"{row.PrefillPerSecond:n0}", $"{row.PrefillAtTheEndPerSecond:n0}", $"{row.BetweenP50Ms:n2}", $"{row.BetweenP95Ms:n2}");
        return table;
    }
}

internal sealed record ContextFigures(string Subject, string Model, string ModelHash, int Threads, IReadOnlyList<ContextRow> Rows);

/// <param name="Length">Positions that are filled.</param>
/// <param name="ResidentMebibytes">What the process took for the model.</param>
/// <param name="KvMebibytes">What of it was for keys and values.</param>
/// <param name="PrefillPerSecond">Tokens, over the whole prompt.</param>
/// <param name="PrefillAtTheEndPerSecond">Tokens, over the last few chunks.</param>
/// <param name="BetweenP50Ms">From one token of one row to the next.</param>
internal sealed record ContextRow(
    int Length, double ResidentMebibytes, double KvMebibytes, double PrefillPerSecond, double PrefillAtTheEndPerSecond, double BetweenP50Ms, double BetweenP95Ms);
