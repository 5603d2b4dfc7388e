using System.Diagnostics;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Tree;

namespace R1Grains.LoadTests.Ledger;

/// <summary>How long an auditor waits for what leaves as files, and how fast it is proved from them alone, on one thread.</summary>
internal static class ExportFigures
{
    /// <summary>Somebody who comes nearly three times a month for seven years, and says sixty things each time.</summary>
    private const int Conversations = 240;
    private const int Turns = 60;

    public static async Task MeasureAsync(string parent, Figures figures, CancellationToken cancellation)
    {
        await using var store = await MeasuredStore.OpenAsync(parent, null, inFiles: true);
        await using var record = await store.OpenRecordAsync("exported");
        await Task.WhenAll(Enumerable.Range(0, Conversations).Select(number => WriteAsync(record, $"c{number}", cancellation)));
        SignedNote checkpoint;
        while ((checkpoint = (await record.FindCheckpointAsync("demo", cancellation))!) is null || Checkpoint.Parse(checkpoint.Text).Size < Conversations * (1 + 2 * Turns))
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation);

        var one = Directory.CreateDirectory(Path.Combine(store.Folder, "one")).FullName;
        var clock = Stopwatch.StartNew();
        await ExportAsync(record, store, checkpoint, one, ["c7"], cancellation);
        figures.Add("conversation_read_ms", clock.Elapsed.TotalMilliseconds);

        var all = Directory.CreateDirectory(Path.Combine(store.Folder, "all")).FullName;
        clock.Restart();
        await ExportAsync(record, store, checkpoint, all, [.. Enumerable.Range(0, Conversations).Select(number => $"c{number}")], cancellation);
        figures.Add("customer_seven_years_s", clock.Elapsed.TotalSeconds);

        using var key = NoteKey.FromPem(store.PublicPem);
        await ExportVerifier.VerifyAsync(all, [key], cancellation: cancellation);
        clock.Restart();
        var report = await ExportVerifier.VerifyAsync(all, [key], cancellation: cancellation);
        var seconds = clock.Elapsed.TotalSeconds;
        if (!report.Valid)
            throw new InvalidDataException($"the export just written does not verify: {report.FirstBad}");
        figures.Add("records_verified_per_s", report.Counts.Records / seconds);
        figures.Add("export_mb_per_s", new FileInfo(Path.Combine(all, ExportManifest.RecordsName)).Length / seconds / 1e6);
    }

    private static async Task WriteAsync(IRecord record, string conversation, CancellationToken cancellation)
    {
        var turn = await LedgerTurn.BeginAsync(record, conversation);
        for (var written = 0; written < Turns; written++)
        {
            cancellation.ThrowIfCancellationRequested();
            do await turn.AppendNextAsync();
            while (turn.IsOpen);
        }
    }

    /// <summary>All that can be shown: the most that there is to verify.</summary>
    private static async Task ExportAsync(StoredRecord record, MeasuredStore store, SignedNote checkpoint, string folder, string[] conversations, CancellationToken cancellation)
    {
        const string Export = "tenants/demo/exports/measured";
        var view = new ExportView("REASONING", IsWhole: true, WithReasoning: true, text => text, opened => opened.Input, (_, _) => true);
        var manifest = new ExportManifest
        {
            Format = ExportManifest.CurrentFormat,
            RecordFormat = ExportManifest.EntryFormat,
            Export = Export,
            Tenant = "demo",
            Asked = new("dev", LedgerTurn.Time, "measured", view.Name, []),
            Made = default,
            Counts = ExportPosition.Start.Counts,
            Files = [],
            Checkpoint = checkpoint.ToString(),
            Key = store.PublicPem,
        };
        var selection = conversations.Select(conversation => new SelectedConversation(conversation, [.. Enumerable.Range(1, Turns)])).ToList();
        var files = new Dictionary<string, FileStream>();
        var stream = new ExportStream(record, manifest, selection, view, (whole, _) =>
        {
            var bytes = whole.ToBytes();
            return Task.FromResult(new SignedManifest(bytes, store.Note(ExportManifest.NoteText("r1grains/demo", Export, Digest.Of(bytes)), "r1grains/demo")));
        }, TimeProvider.System);
        await foreach (var frame in stream.ReadAsync(ExportPosition.Start, cancellation))
        {
            if (!files.TryGetValue(frame.File, out var file))
                files[frame.File] = file = File.Create(Path.Combine(folder, frame.File));
            await file.WriteAsync(frame.Bytes, cancellation);
        }
        foreach (var file in files.Values)
            await file.DisposeAsync();
    }
}
