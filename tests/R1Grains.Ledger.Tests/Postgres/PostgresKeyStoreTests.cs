using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tests.Keys;

namespace R1Grains.Ledger.Tests.Postgres;

[Collection(PostgresCollection.Name)]
public sealed class PostgresKeyStoreTests(PostgresFixture fixture) : KeyStoreTests
{
    private static int _count;

    private readonly string _name = $"keys_{Interlocked.Increment(ref _count)}";
    private string _database = "";

    public override async Task InitializeAsync() => _database = await fixture.Server.CreateBareDatabaseAsync(_name);

    protected override async Task<IKeyStore> OpenNewAsync() => await PostgresKeyStore.OpenAsync(_database);

    [Fact]
    public async Task Keys_do_not_lie_in_the_database_of_a_record_whichever_was_there_first()
    {
        await using var store = new PostgresStore(fixture.Server);
        await (await store.OpenAsync()).DisposeAsync();
        var failure = await Assert.ThrowsAsync<KeyStoreException>(async () => await PostgresKeyStore.OpenAsync(await store.CreateAsync()));
        Assert.Contains("the database holds a record", failure.Message, StringComparison.Ordinal);

        await OpenAsync();
        var refused = await Assert.ThrowsAsync<RecordServerException>(() => PostgresRecord.OpenAsync(_database, new FileRecordMarks(store.Marks)));
        Assert.Contains("the database holds keys", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_of_another_version_are_refused()
    {
        await OpenAsync();
        await fixture.Server.ExecuteAsync("INSERT INTO r1keys.schema_version (version) VALUES (2)", _name);
        Assert.Contains("has version 2, this program knows version 1", (await Assert.ThrowsAsync<KeyStoreException>(OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restored_copy_that_has_forgotten_what_was_destroyed_is_not_used()
    {
        var store = await OpenAsync();
        await store.DestroyAsync([KeyName.OfTenant("demo", 1)]);
        await fixture.Server.ExecuteAsync("DELETE FROM r1keys.announcement; UPDATE r1keys.announcement_count SET announcements = 0", _name);
        Assert.Contains("an older copy of the keys", (await Assert.ThrowsAsync<RecordUnavailableException>(() => store.ListAnnouncementsAsync(1))).Message, StringComparison.Ordinal);
    }
}
