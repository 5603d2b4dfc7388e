using System.Diagnostics;
using HdrHistogram;
using R1Grains.Ledger;

namespace R1Grains.LoadTests.Ledger;

/// <summary>How many appends the record takes, each durable, by how many are under way at once; and what a customer waits for them.</summary>
internal static class Appends
{
    private const int FirstTexts = 300;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>As fast as each answer allows.</summary>
    /// <param name="inFlight">Conversations, each of which has one append under way.</param>
    public static async Task<AppendRow> MeasureAsync(IRecord record, int inFlight, TimeSpan time, CancellationToken cancellation)
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
        return new AppendRow(
            inFlight, times.TotalCount / time.TotalSeconds, Milliseconds(times, 50), Milliseconds(times, 99),
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / all);
    }

    /// <summary>
    /// In milliseconds, where nothing else is going on: until a turn's opening and then its first piece are durable, one after
    /// the other. That is what the record adds to the first text at most; a prompt is prepared while its opening commits.
    /// </summary>
    public static async Task<(double P50, double P99)> MeasureFirstTextAsync(IRecord record, CancellationToken cancellation)
    {
        var turn = await LedgerTurn.BeginAsync(record, Guid.NewGuid().ToString("n"));
        var times = new LongHistogram(60_000_000, 3);
        for (var i = 0; i < FirstTexts; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var before = Stopwatch.GetTimestamp();
            await turn.AppendNextAsync();
            await turn.AppendNextAsync();
            times.RecordValue(Microseconds(before));
            while (turn.IsOpen) await turn.AppendNextAsync();
        }
        return (Milliseconds(times, 50), Milliseconds(times, 99));
    }

    /// <summary>In milliseconds: what the disk asks for one 4 KiB write that is to last, into a file that does not grow, as a write-ahead log mostly is.</summary>
    public static double MeasureFsync(string folder)
    {
        var times = new LongHistogram(60_000_000, 3);
        var page = new byte[4096];
        const int writes = 200;
        using var file = new FileStream(Path.Combine(folder, "fsync"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
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
        return Milliseconds(times, 50);
    }

    private static double Milliseconds(HistogramBase times, double percentile) => times.GetValueAtPercentile(percentile) / 1000.0;

    private static long Microseconds(long start) => Math.Max(1, (long)Stopwatch.GetElapsedTime(start).TotalMicroseconds);
}

/// <param name="CpuUsPerAppend">Of this process, what it asks and what asks it together.</param>
internal sealed record AppendRow(int InFlight, double AppendsPerSecond, double P50Ms, double P99Ms, double CpuUsPerAppend);
