using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using HdrHistogram;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using Spectre.Console;

namespace R1Grains.LoadTests;

/// <summary>How many appends per second the record takes, each durable, by how many are under way at once.</summary>
internal static class LedgerBenchmark
{
    private static readonly int[] InFlight = [1, 64, 256];
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    public static Command Command()
    {
        var seconds = new Option<int>("--seconds") { Description = "Measured time per row.", DefaultValueFactory = _ => 5 };
        var folder = new Option<DirectoryInfo?>("--folder") { Description = "Where to write; the disk is what is measured. Default: the temporary folder." };
        var postgres = new Option<string?>("--postgres") { Description = "A connection string: measures PostgreSQL in place of the embedded record. The database gets the record's tables, and keeps what is written." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var only = new Option<string?>("--only") { Description = "search: what an auditor waits for, in a record of many turns, which is written first." };
        only.AcceptOnlyFromAmong("search");
        var turns = new Option<int>("--turns") { Description = "Of search: turns in the record. A record that is kept gets those that are missing.", DefaultValueFactory = _ => 1_000_000 };
        var keep = new Option<bool>("--keep") { Description = "Of search: leave the record in the folder, to be gone on with." };
        var command = new Command("ledger", "Durable appends per second of the record, in its file or in PostgreSQL; how fast its trees grow, proofs are checked and all of it is verified.") { seconds, folder, postgres, json, only, turns, keep };
        command.SetAction((arguments, cancellation) => arguments.GetValue(only) is not null ? SearchAsync(
            arguments.GetValue(turns) / SearchedTurns.Turns * SearchedTurns.Turns,
            arguments.GetValue(folder)?.FullName ?? Path.GetTempPath(),
            arguments.GetValue(keep),
            arguments.GetValue(postgres),
            arguments.GetValue(json)?.FullName,
            cancellation) : RunAsync(
            TimeSpan.FromSeconds(arguments.GetValue(seconds)),
            arguments.GetValue(folder)?.FullName ?? Path.GetTempPath(),
            arguments.GetValue(postgres),
            arguments.GetValue(json)?.FullName,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan time, string folder, string? postgres, string? json, CancellationToken cancellation)
    {
        var scratch = Path.Combine(folder, $"ledger-{Guid.NewGuid():n}");
        // One for each run: a database that keeps what earlier runs wrote has trees that other keys signed, too.
        using var signer = NoteSigner.Generate();
        var identity = new LogIdentity("r1grains", signer);
        Directory.CreateDirectory(scratch);
        await using var keys = await KeyRing.OpenBesideAsync(scratch, cancellation);
        try
        {
            var fsync = MeasureFsync(Path.Combine(scratch, "fsync"));
            var tree = TreeBenchmark.Measure();
            var rows = new List<LedgerRow>();
            foreach (var inFlight in InFlight)
            {
                await using var record = await OpenAsync($"{inFlight}");
                rows.Add(await MeasureAppendsAsync(record, inFlight, time, cancellation));
            }

            var clock = Stopwatch.StartNew();
            var report = postgres is null
                ? await RecordVerifier.VerifyAsync(Path.Combine(scratch, $"{InFlight[^1]}"), cancellation: cancellation)
                : await RecordVerifier.VerifyPostgresAsync(postgres, cancellation: cancellation);
            if (!report.Valid)
                throw new InvalidDataException($"the record just written does not verify: {report.FirstBad}");
            var verified = (report.Entries + report.Pieces) / clock.Elapsed.TotalSeconds;

            var table = new Table().AddColumns("in flight", "appends/s", "p50 ms", "p99 ms", "CPU µs/append", "fsync p50 ms");
            foreach (var row in rows)
                table.AddRow($"{row.InFlight}", $"{row.AppendsPerSecond:n0}", $"{row.P50Ms:n2}", $"{row.P99Ms:n2}", $"{row.CpuUsPerAppend:n1}", $"{fsync:n2}");
            AnsiConsole.Write(table);
            var figures = new Figures();
            figures.Add("tree_leaves_per_s", tree.LeavesPerSecond);
            figures.Add("records_verified_per_s", verified);
            figures.Add("proof_check_ms_p50", tree.ProofMsP50);
            figures.Add("proof_check_ms_p99", tree.ProofMsP99);
            figures.Add("fsync_ms_p50", fsync);
            AnsiConsole.Write(figures.ToTable());
            if (json is not null)
                await File.WriteAllTextAsync(json, ToJson(figures, rows), cancellation);
            return figures.MissAny ? 1 : 0;
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }

        async Task<IRecord> OpenAsync(string name) => postgres is null
            ? await SqliteRecord.OpenAsync(Path.Combine(scratch, name), identity, keys, cancellation)
            : await PostgresRecord.OpenAsync(postgres, new FileRecordMarks(scratch), identity, keys, cancellation: cancellation);
    }

    private static async Task<int> SearchAsync(int turns, string folder, bool keep, string? postgres, string? json, CancellationToken cancellation)
    {
        var place = Path.Combine(folder, keep ? "ledger-search" : $"ledger-{Guid.NewGuid():n}");
        Directory.CreateDirectory(place);
        try
        {
            using var signer = NoteSigner.ReadOrMake(Path.Combine(place, SqliteRecord.KeyFileName));
            var identity = new LogIdentity("r1grains", signer);
            await using var keys = await KeyRing.OpenBesideAsync(place, cancellation);
            var figures = new Figures();
            await using (StoredRecord record = postgres is null
                ? await SqliteRecord.OpenAsync(place, identity, keys, cancellation)
                : await PostgresRecord.OpenAsync(postgres, new FileRecordMarks(place), identity, keys, cancellation: cancellation))
            {
                await SearchBenchmark.MeasureAsync(record, turns, figures, cancellation);
            }
            AnsiConsole.Write(figures.ToTable());
            if (json is not null)
                await File.WriteAllTextAsync(json, ToJson(figures, []), cancellation);
            return figures.MissAny ? 1 : 0;
        }
        finally
        {
            if (!keep)
                Directory.Delete(place, recursive: true);
        }
    }

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    private static string ToJson(Figures figures, List<LedgerRow> rows)
    {
        var json = new JsonObject { ["subject"] = "ledger" };
        figures.WriteTo(json);
        json["rows"] = JsonSerializer.SerializeToNode(rows, JsonOptions);
        return json.ToJsonString(JsonOptions);
    }

    /// <summary>In milliseconds: what the disk asks for one 4 KiB write that is to last, into a file that does not grow, as a write-ahead log mostly is.</summary>
    private static double MeasureFsync(string path)
    {
        var times = new LongHistogram(60_000_000, 3);
        var page = new byte[4096];
        const int writes = 200;
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        file.Write(new byte[writes * page.Length]);
        file.Flush(flushToDisk: true);
        file.Position = 0;
        for (var write = 0; write < writes; write++)
        {
            var start = Stopwatch.GetTimestamp();
            file.Write(page);
            file.Flush(flushToDisk: true);
            times.RecordValue(Microseconds(start));
        }
        return times.GetValueAtPercentile(50) / 1000.0;
    }

    private static async Task<LedgerRow> MeasureAppendsAsync(IRecord record, int inFlight, TimeSpan time, CancellationToken cancellation)
    {
        var run = Guid.NewGuid().ToString("n");
        var turns = new LedgerTurn[inFlight];
        for (var i = 0; i < inFlight; i++)
            turns[i] = await LedgerTurn.BeginAsync(record, $"{run}-{i}");

        var times = new LongConcurrentHistogram(1, 60_000_000, 3);
        var start = Stopwatch.GetTimestamp();
        var (measuredFrom, end) = (WarmUp, WarmUp + time);
        var (cpu, all) = (Environment.CpuUsage.TotalTime, 0L);
        await Task.WhenAll(turns.Select(turn => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(start) < end)
            {
                cancellation.ThrowIfCancellationRequested();
                var before = Stopwatch.GetTimestamp();
                await turn.AppendNextAsync();
                Interlocked.Increment(ref all);
                if (Stopwatch.GetElapsedTime(start, before) >= measuredFrom && Stopwatch.GetElapsedTime(start) < end)
                    times.RecordValue(Microseconds(before));
            }
        }, cancellation)));
        return new LedgerRow(
            inFlight, times.TotalCount / time.TotalSeconds, times.GetValueAtPercentile(50) / 1000.0, times.GetValueAtPercentile(99) / 1000.0,
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / all);
    }

    private static long Microseconds(long start) => Math.Max(1, (long)Stopwatch.GetElapsedTime(start).TotalMicroseconds);
}

/// <param name="CpuUsPerAppend">Of this process, what it asks and what asks it together.</param>
internal sealed record LedgerRow(int InFlight, double AppendsPerSecond, double P50Ms, double P99Ms, double CpuUsPerAppend);
