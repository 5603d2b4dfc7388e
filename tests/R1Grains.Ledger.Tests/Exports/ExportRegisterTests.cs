using Microsoft.Extensions.Time.Testing;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Tests.Postgres;
using R1Grains.Ledger.Tests.Sqlite;

namespace R1Grains.Ledger.Tests.Exports;

/// <summary>How an export comes about: step by step, each written down before the next.</summary>
public abstract class ExportRegisterTests(IRecordStore store) : StoreTests(store)
{
    private static readonly ExportAsked Asked = new("anna", default, "案件 4711", "FULL", [new("channel", "chat")]);

    private readonly FakeTimeProvider _time = new(Samples.Start.AddDays(1));

    [Fact]
    public async Task Whoever_comes_after_a_crash_goes_on_and_everything_is_recorded_before_it_is_ready()
    {
        await using var record = await WriteAsync(customers: 30);
        var registry = ((StoredRecord)record).Registry;
        var export = (await Register(record).RequestAsync("demo", "export-1", Asked, false, []))!;
        Assert.Equal((ExportState.Selecting, 0L), (export.State, export.Turns));
        var steps = 0;
        while (export.State is ExportState.Selecting && steps++ < 100)
        {
            // Each step by another process, which knows what is written down.
            await Register(record).AdvanceAsync((await Register(record).FindAsync("demo", "export-1"))!, (one, _) => FindAsync(record, one, pageSize: 20));
            export = (await Register(record).FindAsync("demo", "export-1"))!;
        }
        Assert.Equal((ExportState.Ready, 30L), (export.State, export.Turns));
        Assert.InRange(steps, 3, 100);
        var selection = await Register(record).SelectionAsync(export);
        Assert.Equal(Enumerable.Range(0, 30).Select(number => $"c{number}").Order(), selection.Select(one => one.Conversation).Order());
        Assert.All(selection, one => Assert.Equal([1], one.Turns));

        var records = (await registry.ListEntriesAsync("demo", 1_000)).Items.Select(entry => entry.Record).ToList();
        Assert.All(records, one => Assert.Equal(("anna", "案件 4711", export.Name), (one.Actor, one.Purpose, one.Resource)));
        Assert.Equal(("transcript.export", "transcript.export.ready"), (records[0].Action, records[^1].Action));
        Assert.Equal(30, records.SelectMany(one => one.Details).Where(detail => detail.Name == "turn").DistinctBy(detail => detail.Value).Count());
        var subjects = (await Task.WhenAll(Enumerable.Range(0, 30).Select(number => record.FindConversationAsync(Samples.Key($"c{number}"))))).Select(conversation => conversation!.Subject).ToList();
        foreach (var subject in subjects)
            Assert.NotNull(await registry.FindAsync(new("demo", ExportedCustomers.Kind, ExportedCustomers.IdOf(subject, "export-1"))));
        Assert.Null((await Store.VerifyAsync()).FirstBad);
    }

    [Fact]
    public async Task Of_two_that_take_the_same_step_one_does()
    {
        await using var record = await WriteAsync(customers: 3);
        var export = (await Register(record).RequestAsync("demo", "export-1", Asked, false, []))!;
        var first = await Register(record).AdvanceAsync(export, (one, _) => FindAsync(record, one, pageSize: 1));
        await Assert.ThrowsAsync<DocumentConflictException>(() => Register(record).AdvanceAsync(export, (one, _) => FindAsync(record, one, pageSize: 1)));
        Assert.Equal(1, first.Turns);
    }

    [Fact]
    public async Task The_same_request_finds_its_export_and_another_one_none()
    {
        await using var record = await WriteAsync(customers: 1);
        var export = (await Register(record).RequestAsync("demo", "export-1", Asked, false, []))!;
        Assert.Equal(export.Version, (await Register(record).RequestAsync("demo", "export-1", Asked, false, []))!.Version);
        Assert.Null(await Register(record).RequestAsync("demo", "export-1", Asked with { View = "REDACTED" }, false, []));
        Assert.Null(await Register(record).RequestAsync("demo", "export-1", Asked with { Filter = [] }, false, []));
    }

    [Fact]
    public async Task A_cancelled_one_stays_so_and_one_past_its_time_is_forgotten_but_not_who_was_concerned()
    {
        await using var record = await WriteAsync(customers: 2);
        var registry = ((StoredRecord)record).Registry;
        var export = (await Register(record).RequestAsync("demo", "export-1", Asked, false, []))!;
        export = await Register(record).AdvanceAsync(export, (one, _) => FindAsync(record, one, pageSize: 1));
        var cancelled = (await Register(record).CancelAsync("demo", "export-1", "ben", "not needed"))!;
        Assert.Equal(ExportState.Cancelled, cancelled.State);
        Assert.Equal(cancelled.Version, (await Register(record).CancelAsync("demo", "export-1", "ben", "again"))!.Version);
        await Assert.ThrowsAsync<DocumentConflictException>(() => Register(record).AdvanceAsync(export, (one, _) => FindAsync(record, one, pageSize: 1)));
        Assert.Null(await Register(record).CancelAsync("demo", "export-2", "ben", "none"));

        await Register(record).SweepAsync("demo");
        Assert.NotNull(await Register(record).FindAsync("demo", "export-1"));
        _time.Advance(Export.Kept);
        Assert.Null(await Register(record).FindAsync("demo", "export-1"));
        await Register(record).SweepAsync("demo");
        Assert.Empty(await registry.ListAsync("demo", Export.Kind, 10));
        Assert.Empty(await registry.ListAsync("demo", "export-selection", 10));
        Assert.Single(await registry.ListAsync("demo", ExportedCustomers.Kind, 10));
    }

    /// <summary>An erasure that lists exports and one that is selected cannot pass each other: both raise the guard.</summary>
    [Fact]
    public async Task Naming_customers_raises_the_guard_of_erasures()
    {
        await using var record = await WriteAsync(customers: 2);
        var registry = ((StoredRecord)record).Registry;
        var export = (await Register(record).RequestAsync("demo", "export-1", Asked, false, []))!;
        var before = await registry.FindAsync(new("demo", "legal-hold-guard", "legal-hold-guard"));
        await Register(record).AdvanceAsync(export, (one, _) => FindAsync(record, one, pageSize: 1));
        Assert.Equal((before?.Version ?? 0) + 1, (await registry.FindAsync(new("demo", "legal-hold-guard", "legal-hold-guard")))!.Version);
    }

    private ExportRegister Register(IRecord record) => new((StoredRecord)record, new LegalHolds(((StoredRecord)record).Registry, _time), _time);

    /// <summary>All turns in the order of their ends, once the tree has them.</summary>
    private static async Task<FoundTurns?> FindAsync(IRecord record, Export export, int pageSize)
    {
        var first = export.Cursor.Length == 0 ? 0 : long.Parse(export.Cursor, System.Globalization.CultureInfo.InvariantCulture);
        var turns = (await record.ReadClosedTurnsAsync(export.Tenant, first)).Turns.Take(pageSize).Select(turn => (turn, $"{turn.Leaf + 1}")).ToList();
        return new(turns, turns.Count < pageSize ? null : turns[^1].Item2);
    }

    private async Task<IRecord> WriteAsync(int customers)
    {
        var record = await Store.OpenAsync();
        for (var number = 0; number < customers; number++)
        {
            var key = Samples.Key($"c{number}");
            await record.CreateConversationAsync(Samples.Opened(key) with { Customer = $"customers/{number}" });
            await record.AppendTurn(key, 1, (await record.TakeOverAsync(key))!.Epoch, 1);
        }
        while (await record.ProveInclusionAsync(Samples.Key($"c{customers - 1}"), 2) is null)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        return record;
    }
}

public sealed class SqliteExportRegisterTests() : ExportRegisterTests(new SqliteStore());

[Collection(PostgresCollection.Name)]
public sealed class PostgresExportRegisterTests(PostgresFixture fixture) : ExportRegisterTests(new PostgresStore(fixture.Server));
