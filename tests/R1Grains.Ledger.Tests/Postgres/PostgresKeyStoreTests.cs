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

    /// <summary>What was updated stays in dead rows and in the log: that nobody can open it is what counts.</summary>
    [Fact]
    public async Task Bytes_of_a_destroyed_key_are_left_in_the_servers_files_and_open_no_more_when_tenant_and_root_key_were_replaced()
    {
        var (old, fresh) = (Root(), Root());
        Digest subject;
        byte[] destroyed, tenant;
        await using (var ring = await KeyRing.OpenAsync(await PostgresKeyStore.OpenAsync(_database), RootKey.Parse($"{fresh} {old}", "test")))
        {
            // As it was before the new one came.
            await using (var before = await KeyRing.OpenAsync(await PostgresKeyStore.OpenAsync(_database), RootKey.Parse(old, "test")))
                subject = (await before.MakeAsync(Samples.Key(), "customers/42", Samples.Start)).Key.Id.Subject;
            destroyed = await WrappedAsync(KeyName.OfData("demo", Id(subject)));
            tenant = await WrappedAsync(KeyName.OfTenant("demo", 1));
            await ring.DestroyAsync("demo", [Id(subject)]);
            await ring.RotateTenantKeyAsync("demo", 2);
            await ring.WrapByRootAsync();
            Assert.Equal((0, 1), (await ring.ListAsync("demo")) is var keys ? (keys.DataKeys, keys.DestroyedDataKeys) : default);
        }
        await fixture.Server.ExecuteAsync("CHECKPOINT");
        Assert.True(IsInFiles(destroyed) && IsInFiles(tenant), "nothing is left, so there is nothing to be afraid of");

        using var now = RootKey.Parse(fresh, "test");
        Assert.Null(now.Of(tenant));
        Assert.Throws<InvalidDataException>(() => now.Wrapping.Unwrap(tenant, KeyName.OfTenant("demo", 1)));
        await using (var ring = await KeyRing.OpenAsync(await PostgresKeyStore.OpenAsync(_database), RootKey.Parse(fresh, "test")))
            Assert.Null(await ring.FindAsync("demo", Id(subject)));
        Assert.Equal(2u, WrappingKey.NumberOf(await WrappedAsync(KeyName.OfIndex("demo", 1))));

        // The old root key is what has to be destroyed: who has it opens what is left.
        using var before2 = RootKey.Parse(old, "test");
        using var opened = new WrappingKey(before2.Wrapping.Unwrap(tenant, KeyName.OfTenant("demo", 1)), 1);
        Assert.Equal(WrappingKey.KeyLength, opened.Unwrap(destroyed, KeyName.OfData("demo", Id(subject))).Length);

        static string Root() => Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));

        static DataKeyId Id(Digest subject) => new(subject, DataKeyId.PeriodOf(Samples.Start), 1);

        Task<byte[]> WrappedAsync(KeyName name) => fixture.Server.ScalarAsync<byte[]>($"SELECT wrapped FROM r1keys.key WHERE tenant = '{name.Tenant}' AND name = '{name.Name}'", _name);

        bool IsInFiles(byte[] bytes) => Directory.EnumerateFiles(fixture.Server.Folder, "*", SearchOption.AllDirectories).Any(file => File.ReadAllBytes(file).AsSpan().IndexOf(bytes) >= 0);
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
