using System.CommandLine;
using System.Text.Json.Nodes;
using R1Grains.Tests.Servers;
using Spectre.Console;

namespace R1Grains.LoadTests.Tamper;

/// <summary>Whether whoever changes a record behind its back is found out, and whoever does not is left alone.</summary>
internal static class TamperBenchmark
{
    public static Command Command()
    {
        var clean = new Option<int>("--clean") { Description = "Lawful things that are done, half of them in each store; nothing must be found.", DefaultValueFactory = _ => 1_000 };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("tamper", "Changes records in files and in PostgreSQL behind their back, and looks for what the verifier, a witness, and whoever holds a receipt say; exit code 1 when something is not found, not named, or found where nothing is.") { clean, json };
        command.SetAction((arguments, cancellation) => RunAsync(arguments.GetValue(clean), arguments.GetValue(json)?.FullName, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(int clean, string? json, CancellationToken cancellation)
    {
        await using var server = await PostgresServer.StartAsync();
        TamperedStore[] stores = [new TamperedFiles(), new TamperedDatabase(server)];
        var (outcomes, alarms) = (new List<TamperOutcome>(), new List<string>());
        var cases = stores.Sum(store => TamperCases.All.Count(each => each.Store is null || each.Store == store.Name));
        var (tampering, staying) = (new ProgressBar("cases", cases), new ProgressBar("clean runs", Math.Max(1, clean)));
        foreach (var store in stores)
        {
            var some = await TamperRun.TamperAsync(store, TamperCases.All, tampering.Advance, cancellation);
            foreach (var missed in some.Where(outcome => !outcome.IsNamed)) Console.WriteLine(missed);
            outcomes.AddRange(some);
        }
        for (var number = 0; number < stores.Length; number++)
            alarms.AddRange(await TamperRun.StayCleanAsync(stores[number], (clean + number) / stores.Length, staying.Advance, cancellation));
        foreach (var store in stores)
            await store.DisposeAsync();

        foreach (var alarm in alarms) Console.WriteLine($"false alarm: {alarm}");
        var figures = new Figures();
        figures.Add("tamper_cases", outcomes.Count);
        figures.Add("tamper_mechanisms", outcomes.Select(outcome => outcome.Case.Mechanism).Distinct().Count());
        figures.Add("tamper_found", outcomes.Count(outcome => outcome.IsNamed));
        figures.Add("tamper_missed", outcomes.Count(outcome => !outcome.IsNamed));
        figures.Add("clean_runs", clean);
        figures.Add("false_alarms", alarms.Count);
        AnsiConsole.Write(figures.ToTable());
        if (json is not null)
        {
            var written = new JsonObject { ["subject"] = "tamper" };
            figures.WriteTo(written);
            await File.WriteAllTextAsync(json, written.ToJsonString(), cancellation);
        }
        return figures.MissAny ? 1 : 0;
    }
}
