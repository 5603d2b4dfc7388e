using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests.Keys;

/// <summary>What every store of keys promises; each test has one of its own, and opens it as often as there are processes.</summary>
public abstract class KeyStoreTests : IAsyncLifetime
{
    private static readonly KeyName Name = KeyName.OfData("demo", new(Digest.Of("subject"u8), 202601, 1));
    private static readonly byte[] Wrapped = [1, 2, 3];

    private readonly List<IKeyStore> _stores = [];

    public abstract Task InitializeAsync();

    public virtual async Task DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
    }

    protected abstract Task<IKeyStore> OpenNewAsync();

    [Fact]
    public async Task What_is_added_is_found_by_every_process()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        Assert.Null(await one.FindAsync(Name));
        Assert.Equal(Wrapped, (await one.AddAsync(Name, Wrapped)).Wrapped);
        Assert.Equal(Wrapped, (await other.FindAsync(Name))!.Wrapped);
        Assert.Null(await other.FindAsync(Name with { Tenant = "other" }));
    }

    [Fact]
    public async Task Of_many_who_add_a_key_at_once_all_get_the_same()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync()));
        var added = await Task.WhenAll(Enumerable.Range(0, 32).Select(number => Task.Run(() => stores[number % 4].AddAsync(Name, [1, (byte)number]))));
        Assert.Single(added.Select(key => Convert.ToHexString(key.Wrapped!)).Distinct());
    }

    [Fact]
    public async Task What_is_destroyed_stays_so_whatever_is_added_or_replaced()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        await one.AddAsync(Name, Wrapped);
        await one.DestroyAsync([Name]);
        Assert.Equal(new StoredKey(Wrapped: null), await other.FindAsync(Name));
        Assert.Null((await other.AddAsync(Name, Wrapped)).Wrapped);
        Assert.Equal(0, await other.ReplaceAsync([new(Name, Wrapped, [1, 9])]));
        await other.DestroyAsync([Name]);
        Assert.Null((await one.FindAsync(Name))!.Wrapped);
    }

    [Fact]
    public async Task A_key_can_be_destroyed_before_it_is_made()
    {
        var store = await OpenAsync();
        await store.DestroyAsync([Name]);
        Assert.Null((await store.AddAsync(Name, Wrapped)).Wrapped);
    }

    [Fact]
    public async Task A_key_is_replaced_by_who_knows_what_is_there()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        Assert.Equal(0, await one.ReplaceAsync([new(Name, Wrapped, [1, 9])]));
        await one.AddAsync(Name, Wrapped);
        Assert.Equal(0, await other.ReplaceAsync([new(Name, [1, 2], [1, 9])]));
        Assert.Equal(1, await other.ReplaceAsync([new(Name, Wrapped, [1, 9])]));
        Assert.Equal([1, 9], (await one.FindAsync(Name))!.Wrapped);

        var names = Enumerable.Range(1, IKeyStore.ReplacementsMax).Select(version => KeyName.OfIndex("demo", version)).ToList();
        foreach (var name in names)
            await one.AddAsync(name, Wrapped);
        await one.DestroyAsync([names[3]]);
        Assert.Equal(names.Count - 1, await other.ReplaceAsync([.. names.Select(name => new KeyReplacement(name, Wrapped, [2, 2]))]));
        Assert.Null((await one.FindAsync(names[3]))!.Wrapped);
        Assert.Equal([2, 2], (await one.FindAsync(names[^1]))!.Wrapped);
    }

    [Fact]
    public async Task Announcements_come_to_everybody_once_and_in_order()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        Assert.Equal(0, await one.LastAnnouncementAsync());
        Assert.Empty(await one.ListAnnouncementsAsync(0));
        KeyName[] names = [.. Enumerable.Range(1, 20).Select(version => KeyName.OfIndex($"tenant {version}", version))];
        await Task.WhenAll(names.Select((name, i) => Task.Run(() => (i % 2 == 0 ? one : other).AnnounceAsync([name]))));
        await one.DestroyAsync([names[0], names[1]]);

        var seen = await other.ListAnnouncementsAsync(0);
        Assert.Equal(Enumerable.Range(1, 21).Select(number => (long)number), seen.Select(announcement => announcement.Number));
        Assert.Equal(names.Select(name => name.Name).Order(), seen.SkipLast(1).Select(announcement => announcement.Names.Single().Name).Order());
        Assert.Equal([names[0], names[1]], seen[^1].Names);
        Assert.Equal([21], (await one.ListAnnouncementsAsync(20)).Select(announcement => announcement.Number));
        Assert.Equal(21, await other.LastAnnouncementAsync());
    }

    [Fact]
    public async Task All_of_a_tenant_are_listed_and_nobody_elses()
    {
        var store = await OpenAsync();
        KeyName[] names = [KeyName.OfTenant("demo", 1), KeyName.OfIndex("demo", 1), Name, Name with { Name = KeyName.OfData("demo", new(Digest.Of("b"u8), 202601, 1)).Name }];
        foreach (var name in names)
            await store.AddAsync(name, Wrapped);
        await store.AddAsync(KeyName.OfTenant("*", 1), Wrapped);
        await store.AddAsync(KeyName.OfTenant("其他/..", 1), Wrapped);
        await store.DestroyAsync([Name]);
        var listed = new Dictionary<KeyName, StoredKey>();
        await foreach (var (name, key) in store.ListAsync("demo"))
            listed.Add(name, key);
        Assert.Equal(names.Select(name => name.Name).Order(), listed.Keys.Select(name => name.Name).Order());
        Assert.Equal(3, listed.Values.Count(key => key.Wrapped is not null));
        Assert.Equal(["*", "demo", "其他/.."], (await store.ListTenantsAsync()).Order(StringComparer.Ordinal));
    }

    protected async Task<IKeyStore> OpenAsync()
    {
        var store = await OpenNewAsync();
        lock (_stores)
            _stores.Add(store);
        return store;
    }
}

public sealed class FolderKeyStoreTests : KeyStoreTests
{
    private readonly RecordFolder _folder = new();

    public override Task InitializeAsync() => Task.CompletedTask;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    protected override Task<IKeyStore> OpenNewAsync() => Task.FromResult<IKeyStore>(FolderKeyStore.Open(Path.Combine(_folder.Path, "keys")));

    [Fact]
    public async Task What_a_process_left_unfinished_is_no_key()
    {
        var store = await OpenAsync();
        var name = KeyName.OfTenant("demo", 1);
        await store.AddAsync(name, [1]);
        var file = Directory.GetFiles(_folder.Path, name.Name, SearchOption.AllDirectories).Single();
        await File.WriteAllBytesAsync($"{file}.{Guid.NewGuid():n}", [1]);
        var listed = new List<KeyName>();
        await foreach (var (key, _) in store.ListAsync("demo"))
            listed.Add(key);
        Assert.Equal([name], listed);
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named_with_what_to_do()
    {
        var file = Path.Combine(_folder.Path, "a-file");
        File.WriteAllText(file, "");
        var failure = Assert.Throws<KeyStoreException>(() => FolderKeyStore.Open(Path.Combine(file, "keys")));
        Assert.StartsWith($"Key store in the folder '{file}/keys': it cannot be made", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("Give the server write access there, or name another folder.", failure.Message, StringComparison.Ordinal);
        Assert.Throws<KeyStoreException>(() => FolderKeyStore.OpenToRead(_folder.Path));
    }
}
