using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace R1Grains.LoadTests.Ledger;

/// <summary>What the record costs, and how fast it is proved.</summary>
internal static class LedgerBenchmark
{
    private const string AppendsPart = "appends", TreePart = "tree", VerifyPart = "verify", CrashesPart = "crashes", SearchPart = "search", ExportsPart = "exports";

    /// <summary>Without those that take minutes.</summary>
    private static readonly string[] Usual = [AppendsPart, TreePart, VerifyPart, ExportsPart];

    private static readonly int[] InFlight = [1, 64, 256];

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "Measured time per row.", DefaultValueFactory = _ => 5 };
        var folder = new Option<DirectoryInfo?>("--folder") { Description = "Where files are written; the disk is what is measured. Default: the temporary folder." };
        var postgres = new Option<string?>("--postgres") { Description = "A connection string: measures that PostgreSQL in place of one of its own. The database gets the record's tables, and keeps what is written." };
        var files = new Option<bool>("--sqlite") { Description = "Measures the embedded record, a file, in place of PostgreSQL." };
        var crashes = new Option<int>("--crashes") { Description = "How many, of writers and of the server in turn.", DefaultValueFactory = _ => 200 };
        var only = new Option<string[]>("--only") { Description = "Parts to measure: appends, tree, verify, exports, crashes, and search, which is what an auditor waits for in a record of many turns, written first, in files if no server is named. Default: the first four.", AllowMultipleArgumentsPerToken = true };
        only.AcceptOnlyFromAmong(AppendsPart, TreePart, VerifyPart, ExportsPart, CrashesPart, SearchPart);
        var turns = new Option<int>("--turns") { Description = "Of search: turns in the record. A record that is kept gets those that are missing.", DefaultValueFactory = _ => 1_000_000 };
        var keep = new Option<bool>("--keep") { Description = "Of search in files: leave the record in the folder, to be gone on with." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("ledger", "Durable appends per second of the record in PostgreSQL; how fast its trees grow, proofs are checked and all of it is verified; with --only crashes, whether anything acknowledged is lost.") { seconds, folder, postgres, files, crashes, only, turns, keep, json };
        command.SetAction((arguments, cancellation) => RunAsync(new(
            arguments.GetValue(only) is { Length: > 0 } parts ? parts : Usual,
            TimeSpan.FromSeconds(arguments.GetValue(seconds)),
            arguments.GetValue(folder)?.FullName ?? Path.GetTempPath(),
            arguments.GetValue(postgres),
            arguments.GetValue(files),
            arguments.GetValue(crashes),
            arguments.GetValue(turns) / SearchedTurns.Turns * SearchedTurns.Turns,
            arguments.GetValue(keep),
            arguments.GetValue(json)?.FullName), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Plan plan, CancellationToken cancellation)
    {
        var figures = new Figures();
        var rows = new List<AppendRow>();
        if (plan.Parts.Contains(TreePart))
        {
            var tree = TreeGrowth.Measure();
            figures.Add("tree_leaves_per_s", tree.LeavesPerSecond);
            figures.Add("proof_check_ms_p50", tree.ProofMsP50);
            figures.Add("proof_check_ms_p99", tree.ProofMsP99);
        }
        if (plan.Parts.Contains(AppendsPart))
            await MeasureAppendsAsync(plan, figures, rows, cancellation);
        if (plan.Parts.Contains(VerifyPart))
            figures.Add("file_records_verified_per_s", await Verifying.MeasureFileAsync(plan.Folder, cancellation));
        if (plan.Parts.Contains(ExportsPart))
            await ExportFigures.MeasureAsync(plan.Folder, figures, cancellation);
        if (plan.Parts.Contains(CrashesPart))
        {
            var account = await CrashRun.RunAsync(plan.Crashes, CrashWriter.Start, new ProgressBar("crashes", plan.Crashes).Advance, cancellation);
            figures.Add("crashes", account.Crashes);
            figures.Add("records_acknowledged", account.Acknowledged);
            figures.Add("records_lost", account.Lost);
            figures.Add("records_duplicated", account.Duplicated);
            figures.Add("record_contradictions", account.Contradictions);
            foreach (var finding in account.Findings) Console.WriteLine(finding);
        }
        if (plan.Parts.Contains(SearchPart))
            await MeasureSearchAsync(plan, figures, cancellation);
        AnsiConsole.Write(figures.ToTable());
        if (plan.Json is not null)
            await File.WriteAllTextAsync(plan.Json, ToJson(figures, rows), cancellation);
        return figures.MissAny ? 1 : 0;
    }

    private static async Task MeasureAppendsAsync(Plan plan, Figures figures, List<AppendRow> rows, CancellationToken cancellation)
    {
        await using var store = await MeasuredStore.OpenAsync(plan.Folder, plan.Postgres, plan.InFiles);
        var fsync = Appends.MeasureFsync(store.Folder);
        foreach (var inFlight in InFlight)
        {
            await using var record = await store.OpenRecordAsync($"{inFlight}");
            rows.Add(await Appends.MeasureAsync(record, inFlight, plan.Time, cancellation));
        }
        await using (var record = await store.OpenRecordAsync("first"))
        {
            var first = await Appends.MeasureFirstTextAsync(record, cancellation);
            figures.Add("ttft_added_ms", first.P50);
            figures.Add("ttft_added_ms_p99", first.P99);
        }
        figures.Add("appends_per_s", rows[^1].AppendsPerSecond);
        figures.Add("append_ms_p99", rows[1].P99Ms);
        figures.Add("fsync_ms_p50", fsync);
        figures.Add("stored_records_verified_per_s", await Verifying.MeasureAsync(() => store.VerifyAsync($"{InFlight[^1]}")));

        Console.WriteLine($"in {store.Name}:");
        var table = new Table().AddColumns("in flight", "appends/s", "p50 ms", "p99 ms", "CPU µs/append");
        foreach (var row in rows)
            table.AddRow($"{row.InFlight}", $"{row.AppendsPerSecond:n0}", $"{row.P50Ms:n2}", $"{row.P99Ms:n2}", $"{row.CpuUsPerAppend:n1}");
        AnsiConsole.Write(table);
    }

    private static async Task MeasureSearchAsync(Plan plan, Figures figures, CancellationToken cancellation)
    {
        // In files if no server is named: a million turns take a server of its own long.
        await using var store = await MeasuredStore.OpenAsync(plan.Folder, plan.Postgres, inFiles: plan.Postgres is null, plan.Keep ? "ledger-search" : null);
        await using var record = await store.OpenRecordAsync("");
        await SearchBenchmark.MeasureAsync(record, store.Keys, plan.Turns, figures, cancellation);
    }

    private static string ToJson(Figures figures, List<AppendRow> rows)
    {
        var json = new JsonObject { ["subject"] = "ledger" };
        figures.WriteTo(json);
        json["rows"] = JsonSerializer.SerializeToNode(rows, JsonOptions);
        return json.ToJsonString(JsonOptions);
    }

    private sealed record Plan(string[] Parts, TimeSpan Time, string Folder, string? Postgres, bool InFiles, int Crashes, int Turns, bool Keep, string? Json);
}
