using System.Text.Json;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Tests.Postgres;
using R1Grains.Ledger.Tests.Sqlite;

namespace R1Grains.Ledger.Tests.Exports;

/// <summary>What an export holds, and that it proves itself without the record, over each form of the record.</summary>
public abstract class ExportTests(IRecordStore store) : StoreTests(store)
{
    [Theory]
    [InlineData("REDACTED", 1 + 4)]
    [InlineData("FULL", 0)]
    [InlineData("REASONING", 0)]
    public async Task It_is_proved_by_the_public_key_alone_in_every_view(string view, int masked)
    {
        await using var record = await WriteAsync();
        using var folder = new ExportFolder();
        await folder.WriteAsync(await ExportFolder.StreamAsync(record, view));

        var report = await ExportVerifier.VerifyAsync(folder.Path, [Store.Key]);
        Assert.Null(report.FirstBad);
        // c1: opened, three turns with 0, 1 and 2 pieces, completed; c2: opened, a turn with two. Covered are one customer and each input.
        Assert.Equal(new(2, 4, 2 + 2 * 4 + 5 + 1, 0, masked), report.Counts);
        Assert.Equal((view, "案件 4711"), (report.Manifest.Asked.View, report.Manifest.Asked.Purpose));
        Assert.True((await ExportVerifier.VerifyAsync(folder.Path)).Valid);
    }

    [Fact]
    public async Task A_view_shows_what_it_may_and_commits_to_the_rest()
    {
        await using var record = await WriteAsync();
        foreach (var (view, input, reasoning, passage) in ((string, string, string?, string?)[])
        [
            ("REDACTED", "**存款的利率是多少？", null, null),
            ("FULL", "定期存款的利率是多少？", null, "一年期定期存款利率为 1.35%。"),
            ("REASONING", "定期存款的利率是多少？", "客户问利率。", "一年期定期存款利率为 1.35%。"),
        ])
        {
            using var folder = new ExportFolder();
            await folder.WriteAsync(await ExportFolder.StreamAsync(record, view));
            var lines = (await File.ReadAllLinesAsync(folder.Records)).Select(line => JsonDocument.Parse(line).RootElement).ToList();
            var opened = lines.First(line => line.GetProperty("record").GetString() == "turn_opened");
            var closed = lines.Last(line => line.GetProperty("record").GetString() == "turn_closed");
            Assert.Equal(input, opened.GetProperty("input").GetProperty(view == "REDACTED" ? "masked" : "value").GetString());
            Assert.Equal(passage, Value(opened.GetProperty("passages")[0].GetProperty("passage")));
            Assert.Equal(reasoning, Value(closed.GetProperty("reasoning")));
            Assert.Equal("第1句，第2句，", Value(closed.GetProperty("answer")));
            Assert.Equal("2026-01-05T09:30:10.123456Z", opened.GetProperty("time").GetString());
            Assert.True(closed.GetProperty("ai_generated").GetBoolean());
            Assert.Equal(view == "REDACTED" ? "customers/**" : null, lines[0].GetProperty("customer").TryGetProperty("masked", out var masked) ? masked.GetString() : null);
        }
    }

    [Fact]
    public async Task Whoever_goes_on_from_a_position_gets_the_rest()
    {
        await using var record = await WriteAsync();
        var stream = await ExportFolder.StreamAsync(record);
        using var whole = new ExportFolder();
        var positions = new List<(ExportPosition After, int Frames)>();
        var frames = new List<ExportFrame>();
        await foreach (var frame in stream.ReadAsync(ExportPosition.Start))
        {
            frames.Add(frame with { Bytes = frame.Bytes.ToArray() });
            await whole.AppendAsync(frame);
            if (frame.After is { } after)
                positions.Add((ExportPosition.Parse(after.ToString()), frames.Count));
        }
        Assert.Equal(2, positions.Count);
        foreach (var (after, count) in positions)
        {
            using var folder = new ExportFolder();
            foreach (var frame in frames.Take(count))
                await folder.AppendAsync(frame);
            await folder.WriteAsync(stream, after);
            Assert.Null((await ExportVerifier.VerifyAsync(folder.Path, [Store.Key])).FirstBad);
            Assert.Equal(await File.ReadAllBytesAsync(whole.Records), await File.ReadAllBytesAsync(folder.Records));
            Assert.Equal(await File.ReadAllBytesAsync(whole.In(ExportManifest.ProofName)), await File.ReadAllBytesAsync(folder.In(ExportManifest.ProofName)));
        }
    }

    [Fact]
    public async Task Some_turns_are_proved_without_the_others()
    {
        await using var record = await WriteAsync();
        using var folder = new ExportFolder();
        await folder.WriteAsync(await ExportFolder.StreamAsync(record, selection: [new("c1", [2])]));
        var report = await ExportVerifier.VerifyAsync(folder.Path, [Store.Key]);
        Assert.Equal((null, 1, 1), (report.FirstBad, report.Counts.Conversations, report.Counts.Turns));
        Assert.DoesNotContain("\"turn\":3", await File.ReadAllTextAsync(folder.Records), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_erased_is_told_as_erased_and_is_proved_all_the_same()
    {
        await using var record = await WriteAsync();
        await Store.DestroyKeysAsync("demo", "customers/42");
        using var folder = new ExportFolder();
        await folder.WriteAsync(await ExportFolder.StreamAsync(record));
        var report = await ExportVerifier.VerifyAsync(folder.Path, [Store.Key]);
        Assert.Equal((null, 1, 4), (report.FirstBad, report.Counts.Erased, report.Counts.Turns));
        var lines = await File.ReadAllLinesAsync(folder.Records);
        Assert.DoesNotContain("salt", string.Concat(lines.Where(line => line.Contains("\"conversation\":\"c1\"", StringComparison.Ordinal))), StringComparison.Ordinal);
        Assert.Contains("salt", string.Concat(lines.Where(line => line.Contains("\"conversation\":\"c2\"", StringComparison.Ordinal))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_erased_while_it_is_downloaded_is_erased_in_the_rest()
    {
        await using var record = await WriteAsync();
        var stream = await ExportFolder.StreamAsync(record);
        using var folder = new ExportFolder();
        await foreach (var frame in stream.ReadAsync(ExportPosition.Start))
        {
            await folder.AppendAsync(frame);
            if (frame.After is not { } after)
                continue;
            await Store.DestroyKeysAsync("demo", "customers/7");
            await folder.WriteAsync(stream, after);
            break;
        }
        var report = await ExportVerifier.VerifyAsync(folder.Path, [Store.Key]);
        Assert.Equal((null, 1, 4), (report.FirstBad, report.Counts.Erased, report.Counts.Turns));
        Assert.Contains("第2句", await File.ReadAllTextAsync(folder.Records), StringComparison.Ordinal);
    }

    private async Task<IRecord> WriteAsync()
    {
        var record = await Store.OpenAsync();
        await ExportedRecord.WriteAsync(record);
        return record;
    }

    private static string? Value(JsonElement field) => field.TryGetProperty("value", out var value) ? value.GetString() : null;
}

internal static class ExportedRecord
{
    /// <summary>Two conversations of two customers, the first one completed, and administrative records between.</summary>
    public static async Task WriteAsync(IRecord record)
    {
        var (first, second) = (Samples.Key(), Samples.Key("c2"));
        var epoch = await record.Begin(first);
        for (var turn = 1; turn <= 3; turn++)
        {
            await record.AppendTurn(first, turn, epoch, turn - 1);
            await ((StoredRecord)record).Registry.AppendAsync(Samples.Administrative());
        }
        await record.AppendAsync(Samples.Completed(first, epoch, 3));
        await record.CreateConversationAsync(Samples.Opened(second) with { Customer = "customers/7", Labels = [] });
        await record.AppendTurn(second, 1, (await record.TakeOverAsync(second))!.Epoch, 2);
    }
}

public sealed class SqliteExportTests() : ExportTests(new SqliteStore());

[Collection(PostgresCollection.Name)]
public sealed class PostgresExportTests(PostgresFixture fixture) : ExportTests(new PostgresStore(fixture.Server));
