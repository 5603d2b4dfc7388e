using System.Diagnostics;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Keys;

/// <summary>Keys are replaced while turns are written, whoever is killed meanwhile. Each test has a record and keys of its own.</summary>
public abstract class KeyRotationTests : IAsyncLifetime
{
    private const int Customers = 150;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private StoredRecord _record = null!;
    private KeyRing _ring = null!;

    /// <summary>What a process needs to open them.</summary>
    protected string[] Store { get; private set; } = [];

    protected abstract Task<string[]> MakeAsync();

    protected abstract Task<VerificationReport> VerifyAsync(KeyRing ring, params NoteKey[] keys);

    public async Task InitializeAsync()
    {
        Store = await MakeAsync();
        await OpenAsync();
    }

    public virtual async Task DisposeAsync() => await CloseAsync();

    [Fact]
    public async Task A_tenants_key_is_replaced_though_who_does_it_is_killed_and_turns_go_on_and_what_is_erased_stays_erased()
    {
        var epoch = await _record.Begin(Samples.Key());
        await _record.AppendTurn(Samples.Key(), 1, epoch, 1);
        for (var number = 2; number <= Customers; number++)
            await _record.CreateConversationAsync(Samples.Opened(Samples.Key($"c{number}")) with { Customer = $"customers/{number + 100}" });
        var erased = (await _record.FindConversationAsync(Samples.Key("c2")))!;
        await _ring.DestroyAsync("demo", [erased.DataKey]);
        var subjects = await _ring.SubjectsAsync("demo", "customers/42");

        var asked = (await Rotations.RequestAsync("demo", KeyKind.Tenant, "olga", "1", "yearly"))!;
        Assert.Equal(("tenant-2", asked), (asked.Id, await Rotations.RequestAsync("demo", KeyKind.Tenant, "other", "2", "again")));
        foreach (var (who, request) in ((string, string)[])[("olga", "1"), ("other", "2")])
            Assert.Null(await Rotations.RequestAsync("demo", KeyKind.Index, who, request, "yearly"));
        await CloseAsync();
        using (var process = RotatingProcess.Start("demo", Store))
        {
            using var time = new CancellationTokenSource(Patience);
            Assert.Equal($"0 of {Customers}", await process.StandardOutput.ReadLineAsync(time.Token));
            await process.StandardInput.WriteLineAsync();
            Assert.Equal($"{IKeyStore.ReplacementsMax} of {Customers}", await process.StandardOutput.ReadLineAsync(time.Token));
            process.Kill();
            await process.WaitForExitAsync(time.Token);
        }
        await OpenAsync();
        var half = await _ring.ListAsync("demo");
        Assert.Equal([(1, false, Customers - IKeyStore.ReplacementsMax), (2, true, IKeyStore.ReplacementsMax)], TenantKeys(half));

        // All of it can be read in the middle, and written.
        Assert.Equal("第1句，", (await _record.FindTurnAsync(Samples.Key(), 1))!.Closed!.Answer);
        var rotating = Rotations.AdvanceAsync("demo");
        var (turn, written) = (2, 0);
        for (; !rotating.IsCompleted; turn++, written++)
        {
            await _record.AppendTurn(Samples.Key(), turn, epoch, 2);
            await _record.CreateConversationAsync(Samples.Opened(Samples.Key($"w{written}")) with { Customer = $"customers/w{written}" });
        }
        await rotating;

        Assert.True(written > 10, $"{written} turns were written meanwhile");
        var done = (await Rotations.FindAsync("demo", asked.Id))!;
        Assert.Equal((KeyKind.Tenant, "olga", true), (done.Kind, done.Requester, done.Done >= done.Requested));
        var keys = await _ring.ListAsync("demo");
        Assert.Equal([(1, true, 0), (2, false, Customers - 1 + written + 1)], TenantKeys(keys).Select(key => (key.Version, keys.Versions.Single(one => one.Kind is KeyKind.Tenant && one.Version == key.Version).IsDestroyed, key.Wraps)));
        Assert.Equal((Customers - 1 + written, 1), (keys.DataKeys, keys.DestroyedDataKeys));
        Assert.Equal(subjects, await _ring.SubjectsAsync("demo", "customers/42"));

        // The same requests again are the same rotation.
        Assert.Equal(done, await Rotations.RequestAsync("demo", KeyKind.Tenant, "olga", "1", "yearly"));
        Assert.Equal(done, await Rotations.RequestAsync("demo", KeyKind.Tenant, "other", "2", "again"));

        // As a process that starts then.
        await CloseAsync();
        await OpenAsync();
        Assert.Equal("第1句，第2句，", (await _record.FindTurnAsync(Samples.Key(), turn - 1))!.Closed!.Answer);
        Assert.True((await _record.FindConversationAsync(Samples.Key("c2")))!.IsErased);
        Assert.Equal((null, 1), await VerifiedAsync());
        var records = (await _record.Registry.ListEntriesAsync("demo", 10)).Items.Select(entry => entry.Record).ToList();
        Assert.Equal(["olga key.rotate yearly", "other key.rotate.join again", "key-rotation key.rotated "], records.Select(record => $"{record.Actor} {record.Action} {record.Purpose}"));
        Assert.All(records, record => Assert.Equal(["tenant", "2"], record.Details.Take(2).Select(detail => detail.Value)));
    }

    [Fact]
    public async Task A_customer_is_one_whichever_index_key_is_in_force_to_holds_and_to_erasures()
    {
        var time = TimeProvider.System;
        var holds = new LegalHolds(_record.Registry, time);
        var rules = new RetentionRules { Minimum = Term.None };
        var erasures = new Erasures(_record, rules, holds, time);
        await _record.Begin(Samples.Key());
        var before = Extent.OfCustomer((await _ring.SubjectsAsync("demo", "customers/42")).Select(subject => subject.Hash));
        await holds.PlaceAsync("demo", "hold-1", before, "frank", "case 7");

        await RotateAsync("demo", KeyKind.Index);

        var subjects = (await _ring.SubjectsAsync("demo", "customers/42")).ToList();
        Assert.Equal([1, 2], subjects.Select(subject => subject.Version));
        Assert.Equal(before.Subjects.Single(), subjects[0].Hash);
        await _record.Begin(Samples.Key("c2"));
        var conversation = (await _record.FindConversationAsync(Samples.Key("c2")))!;
        Assert.Equal(subjects[1].Hash, conversation.Subject);
        Assert.True(before.Covers(conversation));
        Assert.False(before.Covers((await CreateAsync("c3", "customers/43"))));
        Assert.Equal(["c1", "c2"], (await _record.ListConversationsAsync("demo", before, default)).Select(one => one.Key.Conversation));
        Assert.Equal("tenants/demo/legalHolds/hold-1", (await erasures.LookAsync("demo", Extent.OfCustomer([subjects[1].Hash]), default)).Obstacle?.Hold?.Name);
        Assert.Equal((null, 0), await VerifiedAsync());

        async Task<Conversation> CreateAsync(string name, string customer)
        {
            await _record.CreateConversationAsync(Samples.Opened(Samples.Key(name)) with { Customer = customer });
            return (await _record.FindConversationAsync(Samples.Key(name)))!;
        }
    }

    [Fact]
    public async Task Another_search_key_forgets_the_index_that_the_one_before_made()
    {
        await _record.AppendTurn(Samples.Key(), 1, await _record.Begin(Samples.Key()), 1);
        var first = (await _ring.SearchKeysAsync("demo")).Single();
        while ((await _record.Read("demo", reads => reads.TreeSize("demo"), default)) < 3)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        await CatchUpAsync(first);
        Assert.Equal((3, Digest.Of(first.Key)), (await State()));

        await RotateAsync("demo", KeyKind.Search);

        var keys = await _ring.SearchKeysAsync("demo");
        Assert.Equal([(1, true), (2, false)], keys.Select(key => (key.Version, key.Key.SequenceEqual(first.Key))));
        Assert.Equal((0, null), await State());
        await CatchUpAsync(keys[1]);
        Assert.Equal(Digest.Of(keys[1].Key), (await State()).Scheme);

        Task CatchUpAsync(SearchKey key) => _record.Index.CatchUpAsync(_ => Task.FromResult(new Search.IndexTerms(Digest.Of(key.Key), _ => [1u])), _ => { });

        async Task<(long Leaves, Digest? Scheme)> State() => await _record.Index.ReadStateAsync("demo") is var state ? (state.Leaves, state.Scheme) : default;
    }

    [Fact]
    public async Task Another_key_signs_though_who_puts_it_there_is_killed_and_who_has_one_of_them_follows_to_the_other()
    {
        var epoch = await _record.Begin(Samples.Key());
        var before = await _record.AppendTurn(Samples.Key(), 1, epoch, 1);
        var asked = await Rotations.RequestAsync(IRegistry.Cluster, KeyKind.Signing, "olga", "1", "yearly");
        Assert.Equal("signing-2", asked!.Id);
        await CloseAsync();
        using (var process = RotatingProcess.Start(IRegistry.Cluster, Store))
        {
            using var time = new CancellationTokenSource(Patience);
            Assert.Equal("0 of 3", await process.StandardOutput.ReadLineAsync(time.Token));
            await process.StandardInput.WriteLineAsync();
            Assert.Equal("1 of 3", await process.StandardOutput.ReadLineAsync(time.Token));
            process.Kill();
            await process.WaitForExitAsync(time.Token);
        }

        // Written down and not in force: the first key signs on.
        await OpenAsync();
        using var first = NoteKey.FromPem(await File.ReadAllTextAsync(KeyFile + ".pub"));
        Assert.Equal(first.Id, await SignerAsync(2));
        await Rotations.AdvanceAsync(IRegistry.Cluster);
        var second = await SignerAsync(3);
        Assert.NotEqual(first.Id, second);
        await CloseAsync();
        await OpenAsync();
        Assert.Equal(second, await SignerAsync(4));
        Assert.True((await _record.FindTurnAsync(Samples.Key(), 1))!.ClosedReceipt!.Note == before.Note);

        var report = await VerifyAsync(_ring, first);
        Assert.Null(report.FirstBad);
        Assert.Equal([first.Id, second], report.Signers);
        await using (var trees = await OpenTreesAsync())
        {
            var rotation = (await trees.ListRotationsAsync()).Single();
            using var last = NoteKey.FromPublicKey(rotation.After);
            Assert.Equal((second, null), (last.Id, (await VerifyAsync(_ring, last)).FirstBad?.ToString()));
            Assert.Equal(["r1grains/demo", "r1grains/%2A"], rotation.End!.Sizes.Select(tree => tree.Origin));
        }
        using var stranger = NoteSigner.Generate();
        using var other = NoteKey.FromPem(stranger.PublicPem);
        Assert.Contains($"is not signed with the key given, nor with one that its rotations lead to, but with {first.Id:x8}", (await VerifyAsync(_ring, other)).FirstBad!.Reason, StringComparison.Ordinal);

        async Task<uint> SignerAsync(int turn) => SignedNote.Parse((await _record.AppendTurn(Samples.Key(), turn, epoch, 1)).Note!).Signatures.Single().KeyId;
    }

    [Fact]
    public async Task A_key_that_was_replaced_signs_nothing_that_is_believed()
    {
        var epoch = await _record.Begin(Samples.Key());
        await _record.AppendTurn(Samples.Key(), 1, epoch, 1);
        await RotateAsync(IRegistry.Cluster, KeyKind.Signing);
        var ended = TimeProvider.System.GetUtcNow();
        await _record.AppendTurn(Samples.Key(), 2, epoch, 1);
        await CloseAsync();
        await OpenAsync();
        var honest = (await _record.FindCheckpointAsync("demo"))!;
        var size = Checkpoint.Parse(honest.Text).Size;
        await CloseAsync();
        using var first = NoteKey.FromPem(await File.ReadAllTextAsync(KeyFile + ".pub"));
        var witness = Directory.CreateTempSubdirectory("witness-").FullName;
        Assert.Empty(await LookAsync(witness));

        // Who has an old backup of the first key signs what is there, and what follows.
        using (var thief = NoteSigner.Read(KeyFile))
            await PutAsync(thief.Note(honest.Text, "r1grains/demo"));
        await OpenAsync();
        Assert.Contains($"the checkpoint for {size} leaves is signed with the key {first.Id:x8}, which was replaced and signs nothing beyond 3 leaves of this tree", (await VerifyAsync(_ring, first)).FirstBad!.Reason, StringComparison.Ordinal);
        var refused = Assert.Single(await LookAsync(witness));
        Assert.Equal("r1grains/demo", refused.Origin);
        Assert.Contains("which was replaced and signs nothing beyond", refused.Reason, StringComparison.Ordinal);
        await PutAsync(honest);
        Assert.True((await VerifyAsync(_ring, first)).Valid);

        // Before the end another process signed with it, whose clock was ahead; long after it nobody did.
        await using (var trees = await OpenTreesAsync())
        {
            using var keys = SigningKeys.Follow([first], await trees.ListRotationsAsync());
            using var signer = NoteSigner.Read(KeyFile);
            var note = signer.Note("certificate\n", "r1grains/demo");
            Assert.Null(keys.Objection(note, "r1grains/demo", ended.AddSeconds(30)));
            Assert.Contains("signs nothing after", keys.Objection(note, "r1grains/demo", ended.AddHours(1)), StringComparison.Ordinal);
        }

        // A key that nobody named.
        using (var stranger = NoteSigner.Generate())
        {
            await PutAsync(stranger.Note(honest.Text, "r1grains/demo"));
            Assert.Contains($"nor with one that its rotations lead to, but with {stranger.Id:x8}", (await VerifyAsync(_ring, first)).FirstBad!.Reason, StringComparison.Ordinal);
        }
        await PutAsync(honest);

        // The rotation removed, and the documents' counter made to agree.
        await ExecuteAsync($"UPDATE document SET content = NULL WHERE kind = '{SigningRotation.Kind}'");
        Assert.False((await VerifyAsync(_ring, first)).Valid);
        Directory.Delete(witness, recursive: true);

        Task PutAsync(SignedNote note) => ExecuteAsync($"UPDATE checkpoint SET note = '{note}' WHERE size = {size} AND tree = (SELECT id FROM tree WHERE tenant = 'demo')");

        async Task<IReadOnlyList<RefusedTree>> LookAsync(string folder)
        {
            using var looking = Witness.Open(folder, "witness");
            await using var trees = await OpenTreesAsync();
            return await looking.LookAsync(trees, [first]);
        }
    }

    [Fact]
    public async Task A_witness_that_looks_while_the_key_is_replaced_refuses_nothing()
    {
        var epoch = await _record.Begin(Samples.Key());
        await _record.AppendTurn(Samples.Key(), 1, epoch, 1);
        await SignedAsync(leaves: 3);
        using var first = NoteKey.FromPem(await File.ReadAllTextAsync(KeyFile + ".pub"));
        var folder = Directory.CreateTempSubdirectory("witness-").FullName;
        Assert.Empty(await LookAsync());

        // It stands still where it reads what it knows, between the record's checkpoints and its keys.
        var note = Path.Combine(folder, Uri.EscapeDataString("r1grains/demo") + ".note");
        var known = await File.ReadAllBytesAsync(note);
        File.Delete(note);
        using (var made = Process.Start("mkfifo", [note]))
            await made.WaitForExitAsync();
        var looking = Task.Run(LookAsync);
        await using (var pipe = await Task.Run(() => new FileStream(note, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)))
        {
            await RotateAsync(IRegistry.Cluster, KeyKind.Signing);
            await _record.AppendTurn(Samples.Key(), 2, epoch, 1);
            await SignedAsync(leaves: 5);
            await pipe.WriteAsync(known);
        }
        Assert.Empty(await looking);
        File.Delete(note);
        await File.WriteAllBytesAsync(note, known);
        Assert.Empty(await LookAsync());
        Directory.Delete(folder, recursive: true);

        async Task SignedAsync(long leaves)
        {
            while (await _record.FindCheckpointAsync("demo") is not { } checkpoint || Checkpoint.Parse(checkpoint.Text).Size < leaves)
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        async Task<IReadOnlyList<RefusedTree>> LookAsync()
        {
            using var witness = Witness.Open(folder, "witness");
            await using var trees = await OpenTreesAsync();
            return await witness.LookAsync(trees, [first]);
        }
    }

    [Fact]
    public async Task An_older_copy_of_the_keys_signs_nothing_and_is_told()
    {
        await _record.AppendTurn(Samples.Key(), 1, await _record.Begin(Samples.Key()), 1);
        await RotateAsync(IRegistry.Cluster, KeyKind.Signing);
        await CloseAsync();
        await ForgetSignersAsync();
        var failure = await Assert.ThrowsAsync<RecordKeyException>(OpenAsync);
        Assert.Contains("an older copy of the keys lies there. Bring back the newer one.", failure.Message, StringComparison.Ordinal);
        await RememberSignersAsync();
        await OpenAsync();
    }

    [Fact]
    public async Task A_key_that_is_prepared_and_is_not_the_one_that_the_record_names_signs_nothing_and_is_told()
    {
        await _record.AppendTurn(Samples.Key(), 1, await _record.Begin(Samples.Key()), 1);
        (await _ring.PrepareSignerAsync(2)).Dispose();
        using (var named = NoteSigner.Generate())
        {
            var rotation = SigningRotation.Sign("r1grains/%2A", 2, _record.Identity!.InForce, named, Samples.Start);
            await _record.Registry.ChangeAsync(Samples.Administrative(IRegistry.Cluster), [new(SigningRotation.Kind, rotation.Id, 0, rotation.Encode())]);
        }
        await CloseAsync();
        var failure = await Assert.ThrowsAsync<RecordKeyException>(OpenAsync);
        Assert.Contains("an older copy of the keys lies there. Bring back the newer one.", failure.Message, StringComparison.Ordinal);
        await ExecuteAsync($"UPDATE document SET content = NULL WHERE kind = '{SigningRotation.Kind}'");
        await OpenAsync();
    }

    protected abstract string KeyFile { get; }

    protected abstract Task<PublishedTrees> OpenTreesAsync();

    protected abstract Task ExecuteAsync(string sql);

    /// <summary>As an older copy of the store would have.</summary>
    protected abstract Task ForgetSignersAsync();

    protected abstract Task RememberSignersAsync();

    protected KeyRotations Rotations => new(_record, _ring, TimeProvider.System);

    private async Task RotateAsync(string tenant, KeyKind kind)
    {
        await Rotations.RequestAsync(tenant, kind, "olga", "1", "");
        await Rotations.AdvanceAsync(tenant);
    }

    private async Task<(string? FirstBad, long Erased)> VerifiedAsync() => await VerifyAsync(_ring) is var report ? (report.FirstBad?.ToString(), report.Erased) : default;

    private async Task OpenAsync() => (_record, _ring) = await RotatingProcess.OpenAsync(Store);

    private async Task CloseAsync()
    {
        await _record.DisposeAsync();
        await _ring.DisposeAsync();
    }

    private static IEnumerable<(int Version, bool IsInForce, long Wraps)> TenantKeys(KeyInventory keys) =>
        keys.Versions.Where(key => key.Kind is KeyKind.Tenant).Select(key => (key.Version, key.IsInForce, key.Wraps));
}

public sealed class FolderKeyRotationTests : KeyRotationTests
{
    private readonly RecordFolder _folder = new();

    protected override Task<string[]> MakeAsync() => Task.FromResult<string[]>(["sqlite", _folder.Path]);

    protected override Task<VerificationReport> VerifyAsync(KeyRing ring, params NoteKey[] keys) => RecordVerifier.VerifyAsync(_folder.Path, keys, ring);

    protected override string KeyFile => Path.Combine(_folder.Path, SqliteRecord.KeyFileName);

    protected override Task<PublishedTrees> OpenTreesAsync() => Task.FromResult(PublishedTrees.OpenFile(_folder.Path));

    protected override Task ExecuteAsync(string sql)
    {
        _folder.Execute(sql);
        return Task.CompletedTask;
    }

    protected override Task ForgetSignersAsync()
    {
        File.Move(Signer, Path.Combine(_folder.Path, "away"));
        return Task.CompletedTask;
    }

    protected override Task RememberSignersAsync()
    {
        File.Move(Path.Combine(_folder.Path, "away"), Signer);
        return Task.CompletedTask;
    }

    private string Signer => Path.Combine(_folder.Path, KeyRing.FolderName, "tenant=%2A", "signing-2");

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
