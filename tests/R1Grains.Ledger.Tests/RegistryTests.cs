using System.Text;

namespace R1Grains.Ledger.Tests;

public abstract class RegistryTests(IRecordStore store) : StoreTests(store)
{
    [Fact]
    public async Task A_tenants_records_are_numbered_without_gaps_and_read_back_as_they_were_written()
    {
        await using var record = await Store.OpenAsync();
        var registry = Registry(record);
        var entries = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => registry.AppendAsync(Samples.Administrative(number % 2 == 0 ? "demo" : "other") with { Action = $"act.{number}" })));

        var first = await registry.ListEntriesAsync("demo", 30);
        var second = await registry.ListEntriesAsync("demo", 30, first.Next);
        Assert.Null(second.Next);
        var read = first.Items.Concat(second.Items).ToList();
        Assert.Equal(Enumerable.Range(0, 50).Select(index => (long)index), read.Select(entry => entry.Index));
        var written = entries.Where(entry => entry.Record.Tenant == "demo").OrderBy(entry => entry.Index).ToList();
        Assert.Equal(written.Select(entry => entry.Leaf), read.Select(entry => entry.Leaf));
        Assert.Equal(written.Select(Told), read.Select(Told));
        Assert.Equal(50, entries.Where(entry => entry.Record.Tenant == "demo").Select(entry => entry.Record.Action).Distinct().Count());

        var report = await Store.VerifyAsync();
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal(100, report.AdministrativeRecords);
    }

    [Fact]
    public async Task Records_are_read_from_the_latest_back_within_a_time_while_others_are_added()
    {
        await using var record = await Store.OpenAsync();
        var registry = Registry(record);
        for (var hour = 0; hour < 9; hour++)
            await registry.AppendAsync(Samples.Administrative() with { Time = Samples.Start.AddHours(hour) });
        await registry.AppendAsync(Samples.Administrative("other") with { Time = Samples.Start.AddHours(5) });

        var first = await registry.ListLatestEntriesAsync("demo", 3, from: Samples.Start.AddHours(2), until: Samples.Start.AddHours(8));
        await registry.AppendAsync(Samples.Administrative() with { Time = Samples.Start.AddHours(7) });
        var second = await registry.ListLatestEntriesAsync("demo", 3, first.Next, Samples.Start.AddHours(2), Samples.Start.AddHours(8));
        Assert.Equal([7, 6, 5, 4, 3, 2], first.Items.Concat(second.Items).Select(entry => entry.Index));
        Assert.Null(second.Next);
        Assert.Equal([9, 8], (await registry.ListLatestEntriesAsync("demo", 2)).Items.Select(entry => entry.Index));
    }

    [Fact]
    public async Task A_document_changes_only_from_the_version_that_was_expected()
    {
        await using var record = await Store.OpenAsync();
        var registry = Registry(record);
        var key = new DocumentKey("demo", "binding", "anna");
        var made = await Change(registry, key, 0, "agent");
        Assert.Equal(new DocumentMark("binding", "anna", 1, Digest.Of("agent"u8)), Assert.Single(made.Record.Documents));
        Assert.Equal((1L, "agent"), Content(await registry.FindAsync(key)));

        await Conflict(() => Change(registry, key, 0, "supervisor"), 1);
        await Conflict(() => Change(registry, key, 2, "supervisor"), 1);
        await Change(registry, key, 1, "supervisor");
        Assert.Equal((2L, "supervisor"), Content(await registry.FindAsync(key)));

        await Change(registry, key, 2, null);
        Assert.Null(await registry.FindAsync(key));
        Assert.Empty(await registry.ListAsync("demo", "binding", 10));
        await Conflict(() => Change(registry, key, 2, "agent"), 0);
        await Change(registry, key, 0, "agent");
        Assert.Equal((4L, "agent"), Content(await registry.FindAsync(key)));

        Assert.Equal(4, (await registry.ListEntriesAsync("demo", 100)).Items.Count);
        Assert.Null(await registry.FindAsync(key with { Tenant = "other" }));
        await Sound(4);
    }

    [Fact]
    public async Task Of_many_who_change_a_document_at_once_one_does()
    {
        await using var record = await Store.OpenAsync();
        await using var second = Store.Arguments[0] == "postgres" ? await Store.OpenAsync() : null;
        var key = new DocumentKey("demo", "binding", "anna");
        for (var version = 0L; version < 5; version++)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
            {
                try
                {
                    await Change(Registry(number % 2 == 0 ? record : second ?? record), key, version, $"by {number}");
                    return true;
                }
                catch (DocumentConflictException)
                {
                    return false;
                }
            }));
            Assert.Single(outcomes, won => won);
        }
        await Sound(5);
    }

    [Fact]
    public async Task Several_documents_change_together_or_not_at_all()
    {
        await using var record = await Store.OpenAsync();
        var registry = Registry(record);
        await registry.ChangeAsync(Samples.Administrative(), [new("a", "1", 0, "one"u8.ToArray()), new("b", "1", 0, "two"u8.ToArray())]);
        await Assert.ThrowsAsync<DocumentConflictException>(() => registry.ChangeAsync(Samples.Administrative(), [new("a", "1", 1, "three"u8.ToArray()), new("b", "1", 7, "four"u8.ToArray())]));
        Assert.Equal((1L, "one"), Content(await registry.FindAsync(new("demo", "a", "1"))));
        await Assert.ThrowsAsync<ArgumentException>(() => registry.ChangeAsync(Samples.Administrative(), [new("a", "1", 1, []), new("a", "1", 2, [])]));
        await Assert.ThrowsAsync<ArgumentException>(() => registry.ChangeAsync(Samples.Administrative(), [new("a", "2", 0, null)]));
        await Assert.ThrowsAsync<ArgumentException>(() => registry.AppendAsync(Samples.Administrative() with { Purpose = new string('x', 70_000) }));
        await Sound(1);
    }

    [Fact]
    public async Task Documents_are_listed_by_kind_in_the_order_of_their_ids()
    {
        await using var record = await Store.OpenAsync();
        var registry = Registry(record);
        foreach (var id in (string[])["乙", "b", "a-2", "a", "Z"])
            await Change(registry, new("demo", "binding", id), 0, id);
        await Change(registry, new("demo", "key", "c"), 0, "c");
        await Change(registry, new("other", "binding", "c"), 0, "c");

        var first = await registry.ListAsync("demo", "binding", 2);
        Assert.Equal(["Z", "a"], first.Select(document => document.Key.Id));
        Assert.Equal(["a-2", "b", "乙"], (await registry.ListAsync("demo", "binding", 10, first[^1].Key.Id)).Select(document => document.Key.Id));
    }

    [Fact]
    public async Task Whoever_follows_a_kind_gets_what_is_there_and_then_what_changes()
    {
        await using var record = await Store.OpenAsync();
        await using var second = Store.Arguments[0] == "postgres" ? await Store.OpenAsync() : null;
        var registry = Registry(record);
        for (var number = 0; number < 150; number++)
            await Change(registry, new("demo", "binding", $"{number}"), 0, "agent");
        await Change(registry, new("demo", "lexicon", "words"), 0, "x");

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var feed = Registry(second ?? record).FollowAsync(["binding", "key"], cancellation: stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.True(await feed.MoveNextAsync());
        Assert.Equal(150, feed.Current.Count);

        await Change(registry, new("demo", "lexicon", "words"), 1, "y");
        await Change(registry, new("other", "key", "k"), 0, "secret");
        await Change(registry, new("demo", "binding", "7"), 1, null);
        var seen = new List<(string, bool)>();
        while (seen.Count < 2 && await feed.MoveNextAsync())
            seen.AddRange(feed.Current.Select(document => (document.Key.Id, document.Content is null)));
        Assert.Equal([("k", false), ("7", true)], seen);
    }

    [Fact]
    public async Task Records_and_documents_are_there_after_a_restart()
    {
        await using (var record = await Store.OpenAsync())
            await Change(Registry(record), new("demo", "binding", "anna"), 0, "agent");
        await using var again = await Store.OpenAsync();
        await Change(Registry(again), new("demo", "binding", "anna"), 1, "supervisor");
        Assert.Equal([0L, 1L], (await Registry(again).ListEntriesAsync("demo", 10)).Items.Select(entry => entry.Index));
        Assert.Equal(2, await Registry(again).CountChangesAsync());
        await Sound(2);
    }

    [Theory]
    [InlineData("UPDATE administrative_record SET time = time + 1 WHERE idx = 1", "tenants/demo/administration (entry 1)", "hash")]
    [InlineData("UPDATE administrative_record SET payload = (SELECT payload FROM administrative_record WHERE tenant = 'demo' AND idx = 0) WHERE idx = 1", "tenants/demo/administration (entry 1)", "hash")]
    [InlineData("UPDATE administrative_record SET hash = (SELECT hash FROM administrative_record WHERE tenant = 'demo' AND idx = 0) WHERE idx = 1", "tenants/demo/administration (entry 1)", "hash")]
    [InlineData("UPDATE administrative_record SET format = 2 WHERE idx = 2", "tenants/demo/administration (entry 2)", "format")]
    [InlineData("UPDATE administrative_record SET idx = 9 WHERE idx = 1", "tenants/demo/administration (entry 1)", "missing")]
    [InlineData("DELETE FROM administrative_record WHERE idx = 0 AND tenant = 'demo'", "tenants/demo/administration (entry 0)", "missing")]
    [InlineData("DELETE FROM administrative_record WHERE idx = 2", "tenants/demo/administration (entry 2)", "missing")]
    [InlineData("UPDATE administrative_record SET tenant = 'else' WHERE tenant = 'other'", "tenants/other/administration (entry 0)", "missing")]
    [InlineData("UPDATE administration SET next_index = 7 WHERE tenant = 'demo'", "tenants/demo/administration (entry 3)", "missing")]
    [InlineData("UPDATE administration SET next_index = 2 WHERE tenant = 'demo'", "tenants/demo/administration", "the head ends")]
    [InlineData("UPDATE administration SET tenant = 'else' WHERE tenant = 'other'", "tenants/else/administration (entry 0)", "missing")]
    [InlineData("DELETE FROM administration WHERE tenant = 'other'", "record", "tenant 'other', which has no chain")]
    [InlineData("UPDATE document SET version = 3 WHERE id = 'anna'", "tenants/demo/administration", "version 3")]
    [InlineData("UPDATE document SET content = NULL WHERE id = 'anna'", "tenants/demo/administration", "removed")]
    [InlineData("UPDATE document SET content = (SELECT content FROM document WHERE id = 'ben') WHERE id = 'anna'", "tenants/demo/administration", "hash")]
    [InlineData("DELETE FROM document WHERE id = 'anna'", "tenants/demo/administration", "is missing")]
    [InlineData("UPDATE document SET id = 'eve' WHERE id = 'anna'", "tenants/demo/administration", "no record made")]
    [InlineData("INSERT INTO document SELECT 'none', kind, id, version, change, content FROM document WHERE id = 'anna'", "record", "tenant 'none', which has no chain")]
    public async Task Tampering_is_found_and_its_place_named(string sql, string place, string reason)
    {
        await using (var record = await Store.OpenAsync())
        {
            await Change(Registry(record), new("demo", "binding", "anna"), 0, "agent");
            await Change(Registry(record), new("demo", "binding", "anna"), 1, "supervisor");
            await Change(Registry(record), new("demo", "binding", "ben"), 0, "auditor");
            await Registry(record).AppendAsync(Samples.Administrative("other"));
        }
        await Sound(4);
        await Store.ExecuteAsync(sql);

        var bad = (await Store.VerifyAsync()).FirstBad;
        Assert.NotNull(bad);
        Assert.StartsWith(place + ": ", bad.ToString(), StringComparison.Ordinal);
        Assert.Contains(reason, bad.Reason, StringComparison.Ordinal);
    }

    private static IRegistry Registry(IRecord record) => ((StoredRecord)record).Registry;

    private static Task<AdministrativeEntry> Change(IRegistry registry, DocumentKey key, long expected, string? content) =>
        registry.ChangeAsync(Samples.Administrative(key.Tenant), [new(key.Kind, key.Id, expected, content is null ? null : Encoding.UTF8.GetBytes(content))]);

    private static (long, string) Content(Document? document) => (document!.Version, Encoding.UTF8.GetString(document.Content!));

    private static string Told(AdministrativeEntry entry) =>
        $"{entry.Record.Time:O} {entry.Record.Actor} {entry.Record.Action} {entry.Record.Resource} {entry.Record.Purpose} {string.Join(' ', entry.Record.Details)} {string.Join(' ', entry.Record.Documents)}";

    private static async Task Conflict(Func<Task> change, long found) => Assert.Equal(found, (await Assert.ThrowsAsync<DocumentConflictException>(change)).Found);

    private async Task Sound(long records)
    {
        var report = await Store.VerifyAsync();
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal(records, report.AdministrativeRecords);
    }
}
