using System.Diagnostics;
using R1Grains.Ledger;

namespace R1Grains.LoadTests.Ledger;

/// <summary>How fast a whole record is recomputed: entries and pieces a second.</summary>
internal static class Verifying
{
    private const int Conversations = 256;
    private const int Turns = 60;

    /// <summary>On one thread, from a record's file that the page cache holds.</summary>
    public static async Task<double> MeasureFileAsync(string parent, CancellationToken cancellation)
    {
        await using var store = await MeasuredStore.OpenAsync(parent, null, inFiles: true);
        await using (var record = await store.OpenRecordAsync("verified"))
            await WriteAsync(record, cancellation);
        await MeasureAsync(() => store.VerifyAsync("verified"));
        return await MeasureAsync(() => store.VerifyAsync("verified"));
    }

    /// <exception cref="InvalidDataException">It does not verify.</exception>
    public static async Task<double> MeasureAsync(Func<Task<VerificationReport>> verify)
    {
        var clock = Stopwatch.StartNew();
        var report = await verify();
        return report.Valid
            ? (report.Entries + report.Pieces) / clock.Elapsed.TotalSeconds
            : throw new InvalidDataException($"the record just written does not verify: {report.FirstBad}");
    }

    private static Task WriteAsync(IRecord record, CancellationToken cancellation) => Task.WhenAll(Enumerable.Range(0, Conversations).Select(async number =>
    {
        var turn = await LedgerTurn.BeginAsync(record, $"c{number}");
        for (var written = 0; written < Turns; written++)
        {
            cancellation.ThrowIfCancellationRequested();
            do await turn.AppendNextAsync();
            while (turn.IsOpen);
        }
    }));
}
