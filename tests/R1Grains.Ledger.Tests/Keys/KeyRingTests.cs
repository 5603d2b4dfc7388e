using Microsoft.Extensions.Time.Testing;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests.Keys;

/// <summary>Rings are what processes hold; all of a test are over one folder, as those of a cluster are.</summary>
public sealed class KeyRingTests : IAsyncLifetime
{
    private static readonly ConversationKey Conversation = Samples.Key();

    private readonly RecordFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly List<KeyRing> _rings = [];

    private string Store => Path.Combine(_folder.Path, KeyRing.FolderName);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var ring in _rings)
            await ring.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task However_many_processes_need_a_customers_key_at_once_there_is_one()
    {
        var rings = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync()));
        var made = await Task.WhenAll(Enumerable.Range(0, 40).Select(number => Task.Run(() => rings[number % 4].MakeAsync(Samples.Key($"c{number}"), "customers/42", Samples.Start))));
        Assert.Single(made.Select(pair => pair.Subject).Distinct());
        var bytes = made[0].Key.Seal("words"u8, "place"u8);
        Assert.All(made, pair => Assert.Equal("words"u8.ToArray(), pair.Key.Open(bytes, "place"u8)));
        Assert.Single(DataKeyFiles());
        Assert.DoesNotContain(Directory.EnumerateFiles(Store, "*", SearchOption.AllDirectories), KeyFile.IsUnfinished);
    }

    [Fact]
    public async Task A_customer_is_one_whatever_white_space_surrounds_the_id_and_another_in_each_tenant()
    {
        var ring = await OpenAsync();
        Task<(Subject Subject, DataKey Key)> Of(string customer, string conversation = "c1", string tenant = "demo") => ring.MakeAsync(Samples.Key(conversation, tenant), customer, Samples.Start);
        var subject = (await Of("customers/42")).Subject;
        Assert.Equal(subject, (await Of(" customers/42\n", "c2")).Subject);
        Assert.Equal([subject], await ring.SubjectsAsync("demo", "customers/42"));
        Digest[] others =
        [
            subject.Hash,
            (await Of("customers/42", tenant: "other")).Subject.Hash,
            (await Of("Customers/42")).Subject.Hash,
            (await Of("c1")).Subject.Hash,
            (await Of("")).Subject.Hash,
            (await Of("", "c2")).Subject.Hash,
        ];
        Assert.Equal(others.Length, others.Distinct().Count());
        Assert.Equal(SubjectKind.Conversation, (await Of("  ")).Subject.Kind);
    }

    [Fact]
    public async Task A_tenants_key_is_replaced_while_other_processes_go_on_and_the_one_before_opens_nothing_any_more()
    {
        var (ring, other) = (await OpenAsync(), await OpenAsync());
        var (_, key) = await ring.MakeAsync(Conversation, "customers/42", Samples.Start);
        var destroyed = (await ring.MakeAsync(Samples.Key("c2"), "customers/43", Samples.Start)).Key.Id;
        await ring.DestroyAsync("demo", [destroyed]);
        var (bytes, subjects) = (key.Seal("words"u8, "place"u8), await ring.SubjectsAsync("demo", "customers/42"));
        var before = File.ReadAllBytes(DataKeyFiles().Single(file => file.EndsWith($"{key.Id}", StringComparison.Ordinal)));

        // The data key and the index key.
        Assert.Equal(2, await PassAsync(ring.RotateTenantKeyAsync("demo", 2)));

        Assert.NotEqual(before, File.ReadAllBytes(DataKeyFiles().Single(file => file.EndsWith($"{key.Id}", StringComparison.Ordinal))));
        foreach (var one in (KeyRing[])[ring, other, await OpenAsync()])
        {
            Assert.Equal("words"u8.ToArray(), (await one.FindAsync("demo", key.Id))!.Open(bytes, "place"u8));
            Assert.Equal(subjects, await one.SubjectsAsync("demo", "customers/42"));
            Assert.Null(await one.FindAsync("demo", destroyed));
        }
        Assert.Equal([0, 0], File.ReadAllBytes(Path.Combine(Store, "tenant=demo", "tenant-1"))[..2]);
        Assert.Equal(2u, WrappingKey.NumberOf(File.ReadAllBytes(Path.Combine(Store, "tenant=demo", "index-1"))));
        Assert.Equal(2, await PassAsync(other.RotateTenantKeyAsync("demo", 3)));
        Assert.NotNull((await ring.MakeAsync(Samples.Key("c3"), "customers/44", Samples.Start)).Key);
    }

    [Fact]
    public async Task A_month_has_a_key_of_its_own()
    {
        var ring = await OpenAsync();
        var january = (await ring.MakeAsync(Conversation, "customers/42", new(2026, 1, 31, 23, 59, 59, TimeSpan.Zero))).Key;
        var february = (await ring.MakeAsync(Conversation, "customers/42", new(2026, 2, 1, 0, 30, 0, TimeSpan.FromHours(-1)))).Key;
        Assert.Equal((202601, 202602), (january.Id.Period, february.Id.Period));
        Assert.Throws<InvalidDataException>(() => february.Open(january.Seal("words"u8, default), default));
    }

    [Fact]
    public async Task What_one_process_destroys_the_others_lose_within_two_seconds_and_nobody_gets_back()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        var key = (await one.MakeAsync(Conversation, "customers/42", Samples.Start)).Key;
        var held = (await other.FindAsync("demo", key.Id))!;
        await one.DestroyAsync("demo", [key.Id]);
        Assert.Throws<KeyDestroyedException>(() => key.Seal("words"u8, default));
        Assert.Null(await one.FindAsync("demo", key.Id));

        // No sooner than it looks, and no later, whether somebody asks for a key or not.
        held.Seal("words"u8, default);
        _time.Advance(KeyRing.NoticedWithin + TimeSpan.FromTicks(1));
        Assert.Null(await other.FindAsync("demo", key.Id));
        Assert.Throws<KeyDestroyedException>(() => held.Seal("words"u8, default));
        Assert.Null(await (await OpenAsync()).FindAsync("demo", key.Id));
        Assert.All(DataKeyFiles(), file => Assert.All(File.ReadAllBytes(file), value => Assert.Equal(0, value)));
    }

    [Fact]
    public async Task Who_comes_back_after_an_erasure_has_another_key()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        var (subject, first) = await one.MakeAsync(Conversation, "customers/42", Samples.Start);
        await one.DestroyAsync("demo", [first.Id]);
        var (again, second) = await one.MakeAsync(Conversation, "customers/42", Samples.Start);
        Assert.Equal((subject, first.Id with { Generation = 2 }), (again, second.Id));
        Assert.Equal(second.Id, (await other.MakeAsync(Conversation, "customers/42", Samples.Start)).Key.Id);
    }

    [Fact]
    public async Task A_key_that_is_destroyed_while_it_is_read_is_not_kept()
    {
        var store = new Pausing(FolderKeyStore.Open(Store));
        var root = RootKey.ReadOrMake(Path.Combine(_folder.Path, KeyRing.RootKeyFileName));
        var slow = await KeyRing.OpenAsync(store, root, _time);
        _rings.Add(slow);
        var ring = await OpenAsync();
        var id = (await ring.MakeAsync(Conversation, "customers/42", Samples.Start)).Key.Id;
        store.Pauses = true;
        var finding = slow.FindAsync("demo", id).AsTask();
        await store.Read.Task;
        await ring.DestroyAsync("demo", [id]);
        _time.Advance(KeyRing.NoticedWithin + TimeSpan.FromTicks(1));
        // Another call follows the announcement, while the first has its answer in hand.
        store.Pauses = false;
        await slow.SubjectsAsync("demo", "x");
        store.GoOn.SetResult();
        Assert.Null(await finding);
    }

    [Fact]
    public async Task While_the_store_cannot_be_asked_no_key_is_used_for_longer_than_two_seconds()
    {
        var ring = await OpenAsync();
        var id = (await ring.MakeAsync(Conversation, "customers/42", Samples.Start)).Key.Id;
        var away = Store + "-away";
        Directory.Move(Store, away);
        Assert.NotNull(await ring.FindAsync("demo", id));
        _time.Advance(KeyRing.NoticedWithin + TimeSpan.FromTicks(1));
        var failure = await Assert.ThrowsAsync<RecordUnavailableException>(() => ring.FindAsync("demo", id).AsTask());
        Assert.Contains(Store, failure.Message, StringComparison.Ordinal);
        Directory.Move(away, Store);
        Assert.NotNull(await ring.FindAsync("demo", id));
    }

    [Fact]
    public async Task A_key_that_was_lost_is_not_taken_for_one_that_was_destroyed()
    {
        var id = (await (await OpenAsync()).MakeAsync(Conversation, "customers/42", Samples.Start)).Key.Id;
        File.Delete(DataKeyFiles().Single());
        var failure = await Assert.ThrowsAsync<RecordUnavailableException>(async () => await (await OpenAsync()).FindAsync("demo", id));
        Assert.Contains("is missing", failure.Message, StringComparison.Ordinal);
        Assert.Contains(Store, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_root_key_is_told_at_the_start()
    {
        await (await OpenAsync()).MakeAsync(Conversation, "customers/42", Samples.Start);
        using var other = RootKey.Generate();
        var failure = await Assert.ThrowsAsync<KeyStoreException>(() => KeyRing.OpenAsync(FolderKeyStore.Open(Store), other, _time));
        Assert.Contains($"{other.Id:x8} was given", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not base64!")]
    [InlineData("c2hvcnQ=")]
    public void What_is_no_root_key_is_refused_without_telling_any_of_it(string text)
    {
        var failure = Assert.Throws<RecordKeyException>(() => RootKey.Parse(text, "R1__Record__RootKey"));
        Assert.StartsWith("Key of the record 'R1__Record__RootKey': it is not base64 of 32 bytes.", failure.Message, StringComparison.Ordinal);
        Assert.Equal("openssl rand -base64 32", failure.Message[^"openssl rand -base64 32".Length..]);
    }

    [Fact]
    public async Task A_root_key_is_replaced_by_giving_both_wrapping_all_anew_and_giving_the_new_one_alone()
    {
        var (old, fresh) = (Root(), Root());
        var id = (await (await With(old)).MakeAsync(Conversation, "customers/42", Samples.Start)).Key.Id;
        Assert.NotNull(await (await With(old, fresh)).FindAsync("demo", id));
        var both = await With(fresh, old);
        await both.MakeAsync(Samples.Key("c1", "other"), "customers/42", Samples.Start);
        Assert.NotNull(await (await With(old, fresh)).SubjectsAsync("other", "customers/42"));
        Assert.Equal((1, 0), (await both.WrapByRootAsync(), await both.WrapByRootAsync()));
        Assert.NotNull(await (await With(fresh)).FindAsync("demo", id));
        Assert.Contains("was given. Give the one that belongs to it.", (await Assert.ThrowsAsync<KeyStoreException>(() => With(old))).Message, StringComparison.Ordinal);

        static string Root() => Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));

        async Task<KeyRing> With(params string[] roots)
        {
            var ring = await KeyRing.OpenAsync(FolderKeyStore.Open(Store), RootKey.Parse(string.Join('\n', roots), "R1__Record__RootKey"), _time);
            _rings.Add(ring);
            return ring;
        }
    }

    [Fact]
    public async Task A_key_that_is_made_by_who_stood_still_while_all_were_wrapped_anew_can_be_opened()
    {
        var store = new Pausing(FolderKeyStore.Open(Store));
        var slow = await KeyRing.OpenAsync(store, RootKey.ReadOrMake(Path.Combine(_folder.Path, KeyRing.RootKeyFileName)), _time);
        _rings.Add(slow);
        await slow.SubjectsAsync("demo", "x");
        store.PausesToAdd = name => !name.IsOfTenant;
        var making = slow.MakeAsync(Conversation, "customers/42", Samples.Start);
        await store.Read.Task;
        await PassAsync((await OpenAsync()).RotateTenantKeyAsync("demo", 2));
        store.GoOn.SetResult();
        var (_, key) = await making;
        var bytes = key.Seal("words"u8, "place"u8);
        Assert.Equal("words"u8.ToArray(), (await (await OpenAsync()).FindAsync("demo", key.Id))!.Open(bytes, "place"u8));
    }

    [Theory]
    [InlineData("index-2")]
    [InlineData("search-1")]
    [InlineData("signing-2-next")]
    [InlineData("signing-2")]
    public async Task A_version_that_is_added_by_who_stood_still_while_all_were_wrapped_anew_can_be_opened(string name)
    {
        var tenant = name.StartsWith("signing", StringComparison.Ordinal) ? IRegistry.Cluster : "demo";
        var store = new Pausing(FolderKeyStore.Open(Store));
        var slow = await KeyRing.OpenAsync(store, RootKey.ReadOrMake(Path.Combine(_folder.Path, KeyRing.RootKeyFileName)), _time);
        _rings.Add(slow);
        await slow.SubjectsAsync(tenant, "x");
        if (name == "signing-2")
            (await slow.PrepareSignerAsync(2)).Dispose();
        store.PausesToAdd = added => added.Name == name;
        Task adding = name switch
        {
            "index-2" => slow.RotateAsync(tenant, KeyKind.Index, 2),
            "search-1" => slow.SearchKeysAsync(tenant),
            "signing-2-next" => slow.PrepareSignerAsync(2),
            _ => slow.PutSignerInForceAsync(2, default),
        };
        await store.Read.Task;
        await PassAsync((await OpenAsync()).RotateTenantKeyAsync(tenant, 2));
        store.PausesToAdd = _ => false;
        store.GoOn.SetResult();
        await PassAsync(Ended(adding));

        var fresh = await OpenAsync();
        Assert.Equal(name == "index-2" ? 2 : 1, (await fresh.SubjectsAsync(tenant, "x")).Count);
        Assert.Contains((await fresh.ListAsync(tenant)).Versions, key => key is { Kind: KeyKind.Tenant, Version: 2, IsInForce: true, Wraps: 2 });
        using var signer = name == "signing-2-next" ? await fresh.PrepareSignerAsync(2) : null;

        static async Task<long> Ended(Task task)
        {
            await task;
            return 0;
        }
    }

    [Fact]
    public async Task A_wrapped_key_opens_under_its_name_alone()
    {
        var ring = await OpenAsync();
        var (one, other) = ((await ring.MakeAsync(Conversation, "customers/1", Samples.Start)).Key.Id, (await ring.MakeAsync(Conversation, "customers/2", Samples.Start)).Key.Id);
        File.Copy(FileOf(one), FileOf(other), overwrite: true);
        var failure = await Assert.ThrowsAsync<RecordUnavailableException>(async () => await (await OpenAsync()).FindAsync("demo", other));
        Assert.Contains("cannot be opened: it was wrapped by another key, or altered", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_are_their_owners_alone_and_nowhere_in_the_clear()
    {
        await (await OpenAsync()).MakeAsync(Conversation, "customers/42", Samples.Start);
        if (OperatingSystem.IsWindows())
            return;
        foreach (var folder in Directory.EnumerateDirectories(_folder.Path, "*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        foreach (var file in Directory.EnumerateFiles(Store, "*-*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(Path.Combine(_folder.Path, KeyRing.RootKeyFileName)));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories), entry => entry.Contains("42", StringComparison.Ordinal) && entry.Contains("customers", StringComparison.Ordinal));
    }

    private async Task<KeyRing> OpenAsync()
    {
        var ring = await KeyRing.OpenAsync(FolderKeyStore.Open(Store), RootKey.ReadOrMake(Path.Combine(_folder.Path, KeyRing.RootKeyFileName)), _time);
        _rings.Add(ring);
        return ring;
    }

    private string[] DataKeyFiles() => Directory.GetFiles(Store, KeyName.DataPrefix + "*", SearchOption.AllDirectories);

    private string FileOf(DataKeyId id) => DataKeyFiles().Single(file => Path.GetFileName(file) == KeyName.OfData("demo", id).Name);

    /// <summary>Holds an answer back until it is told to go on.</summary>
    /// <summary>Lets time pass until it is done.</summary>
    private async Task<long> PassAsync(Task<long> work)
    {
        while (!work.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        return await work;
    }

    private sealed class Pausing(IKeyStore store) : IKeyStore
    {
        public bool Pauses { get; set; }

        public TaskCompletionSource Read { get; } = new();

        public TaskCompletionSource GoOn { get; } = new();

        public string Place => store.Place;

        public async Task<StoredKey?> FindAsync(KeyName name, CancellationToken cancellation = default)
        {
            var found = await store.FindAsync(name, cancellation);
            if (Pauses && !name.IsOfTenant)
            {
                Read.SetResult();
                await GoOn.Task;
            }
            return found;
        }

        public Func<KeyName, bool> PausesToAdd { get; set; } = _ => false;

        public async Task<StoredKey> AddAsync(KeyName name, byte[] wrapped, CancellationToken cancellation = default)
        {
            if (PausesToAdd(name))
            {
                Read.SetResult();
                await GoOn.Task;
            }
            return await store.AddAsync(name, wrapped, cancellation);
        }

        public Task<int> ReplaceAsync(IReadOnlyList<KeyReplacement> replacements, CancellationToken cancellation = default) => store.ReplaceAsync(replacements, cancellation);

        public Task DestroyAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default) => store.DestroyAsync(names, cancellation);

        public Task AnnounceAsync(IReadOnlyList<KeyName> names, CancellationToken cancellation = default) => store.AnnounceAsync(names, cancellation);

        public Task<IReadOnlyList<KeyAnnouncement>> ListAnnouncementsAsync(long after, CancellationToken cancellation = default) => store.ListAnnouncementsAsync(after, cancellation);

        public Task<long> LastAnnouncementAsync(CancellationToken cancellation = default) => store.LastAnnouncementAsync(cancellation);

        public IAsyncEnumerable<(KeyName Name, StoredKey Key)> ListAsync(string tenant, CancellationToken cancellation = default) => store.ListAsync(tenant, cancellation);

        public Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellation = default) => store.ListTenantsAsync(cancellation);

        public ValueTask DisposeAsync() => store.DisposeAsync();
    }
}
