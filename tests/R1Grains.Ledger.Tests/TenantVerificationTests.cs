using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests;

/// <summary>What a server that writes says to who asks whether one tenant's record is what it was.</summary>
public abstract class TenantVerificationTests(IRecordStore store) : StoreTests(store)
{
    private const string Own = "demo", Other = "north";

    /// <summary>What is done to the rows of one tenant, and what is named of it.</summary>
    private static readonly (string What, string Sql, string Bad)[] Damages =
    [
        ("a byte of an entry", "UPDATE entry SET skeleton = (SELECT e.skeleton FROM entry e WHERE e.conversation_id = {1} AND e.idx = 4) WHERE conversation_id = {1} AND idx = 2", "tenants/{tenant}/conversations/c1/turns/1 (entry 2): its hash is"),
        ("an entry", "DELETE FROM entry WHERE conversation_id = {1} AND idx = 2", "tenants/{tenant}/conversations/c1 (entry 2): the entry is missing"),
        ("a piece", "DELETE FROM piece WHERE conversation_id = {1} AND turn = 1 AND number = 2", "tenants/{tenant}/conversations/c1/turns/1 piece 2: the piece is missing"),
        ("a head without its entries", "DELETE FROM conversation_head WHERE id = {1}", "tenants/{tenant} tree leaf 0: it stands for entry 0 of conversation number {1}, which belongs to no conversation of the tenant"),
        ("a whole conversation", "DELETE FROM conversation_head WHERE id = {1}; DELETE FROM entry WHERE conversation_id = {1}; DELETE FROM piece WHERE conversation_id = {1}", "tenants/{tenant} tree leaf 0: it stands for entry 0 of conversation number {1}, which is missing"),
        ("an administrative record", "DELETE FROM administrative_record WHERE tenant = '{tenant}' AND idx = 0", "tenants/{tenant}/administration (entry 0): the record is missing"),
        ("a document", "UPDATE document SET version = 7 WHERE tenant = '{tenant}'", "tenants/{tenant}/administration: the role 'anna' is version 7"),
        ("a leaf", "DELETE FROM leaf WHERE tree = {tree} AND number = 3", "tenants/{tenant} tree leaf 3: the leaf is missing"),
        ("a leaf that stands for what is another's", "UPDATE leaf SET owner = {2} WHERE tree = {tree} AND number = 3", "tenants/{tenant} tree leaf 3: it stands for entry "),
        ("what was cut off the tree", "UPDATE tree SET size = size - 1 WHERE id = {tree}", "tenants/{tenant} tree: "),
        ("an entry that was put nowhere", "DELETE FROM leaf WHERE tree = {tree}; DELETE FROM tile WHERE tree = {tree}; DELETE FROM checkpoint WHERE tree = {tree}; DELETE FROM tree WHERE id = {tree}", "record: entry "),
        ("a checkpoint of another key", "UPDATE checkpoint SET note = '{forged}' WHERE tree = {tree} AND size = {size}", "tenants/{tenant} tree: the checkpoint for {size} leaves is not signed with the key given"),
        ("a checkpoint of another size", "UPDATE checkpoint SET note = replace(note, '\n{size}\n', '\n{size}0\n') WHERE tree = {tree} AND size = {size}", "tenants/{tenant} tree: the checkpoint for {size} leaves of 'r1grains/{tenant}' speaks of {size}0 of"),
    ];

    [Fact]
    public async Task A_good_record_is_valid_while_turns_of_all_tenants_go_on()
    {
        await using var record = (StoredRecord)await Store.OpenAsync();
        await WriteAsync(record, Own);
        await WriteAsync(record, Other);
        using var stop = new CancellationTokenSource();
        var writers = new[] { Own, Other }.SelectMany(tenant => Enumerable.Range(0, 3).Select(async writer =>
        {
            var key = Samples.Key($"w{writer}", tenant);
            var epoch = await record.Begin(key);
            for (var turn = 1; !stop.IsCancellationRequested; turn++)
            {
                await record.AppendTurn(key, turn, epoch, 2);
                await record.Registry.AppendAsync(Samples.Administrative(tenant));
            }
        })).ToArray();
        using var key = Store.Key;
        var (sizes, seen) = (new List<long>(), new Seen());
        for (var round = 0; round < 15 || sizes[^1] < sizes[0] + 100; round++)
        {
            var report = await VerifyAsync(record, Own, seen);
            Assert.True(report.Valid, report.FirstBad?.ToString());
            Assert.Equal(report.Leaves, report.Tree!.Size);
            // The checkpoint it ends with is one of its own leaves, and signed.
            var checkpoint = Checkpoint.Parse(report.Tree.Checkpoint!.Text);
            Assert.InRange(checkpoint.Size, 1, report.Tree.Size);
            Assert.True(checkpoint.Size < report.Tree.Size || checkpoint.Root == report.Tree.Root);
            Assert.True(key.Signed(report.Tree.Checkpoint, "r1grains/demo"));
            Assert.Equal(report.Entries + report.AdministrativeRecords, seen.Last!.Records);
            Assert.Equal(report.Leaves, seen.Last.Leaves);
            Assert.InRange(seen.Last.Total, Math.Max(seen.Last.Records, seen.Last.Leaves), long.MaxValue);
            sizes.Add(report.Tree.Size);
        }
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.Equal(sizes.Order(), sizes);
    }

    [Fact]
    public async Task Damage_is_named_to_its_tenant_and_to_no_other()
    {
        await using var record = (StoredRecord)await Store.OpenAsync();
        using var stranger = NoteSigner.Generate();
        for (var i = 0; i < Damages.Length; i++)
        {
            var (what, sql, expected) = Damages[i];
            // Tenants of their own each time: what is done cannot be undone.
            var (own, other) = ($"{Own}{i}", $"{Other}{i}");
            var (size, conversation) = (await WriteAsync(record, own), 1 + 4 * i);
            await WriteAsync(record, other);
            foreach (var tenant in (string[])[own, other])
                Assert.True((await VerifyAsync(record, tenant)).Valid, $"{what}, before");
            var checkpoint = Checkpoint.Parse((await record.FindCheckpointAsync(own))!.Text);
            string Filled(string text) => text.Replace("{tenant}", own, StringComparison.Ordinal).Replace("{1}", $"{conversation}", StringComparison.Ordinal).Replace("{2}", $"{conversation + 2}", StringComparison.Ordinal)
                .Replace("{tree}", $"{1 + 2 * i}", StringComparison.Ordinal).Replace("{size}", $"{size}", StringComparison.Ordinal).Replace("{forged}", $"{stranger.Note(checkpoint.Text, checkpoint.Origin)}", StringComparison.Ordinal);
            await Store.ExecuteAsync(Filled(sql));

            var bad = (await VerifyAsync(record, own)).FirstBad;
            Assert.True(bad?.ToString().StartsWith(Filled(expected), StringComparison.Ordinal), $"{what}: {bad?.ToString() ?? "not found"}");
            Assert.DoesNotContain(other, bad!.ToString(), StringComparison.Ordinal);
            var beside = await VerifyAsync(record, other);
            Assert.True(beside.Valid, $"{what}, told of another: {beside.FirstBad}");
        }
    }

    [Fact]
    public async Task A_tenant_is_verified_once_at_a_time_and_another_one_meanwhile()
    {
        await using var record = (StoredRecord)await Store.OpenAsync();
        await WriteAsync(record, Own);
        using (await record.TakeVerificationAsync(Own))
        {
            Assert.Null(await record.TakeVerificationAsync(Own));
            using var other = await record.TakeVerificationAsync(Other);
            Assert.NotNull(other);
        }
        for (var again = 0; again < 20; again++)
        {
            using var next = await record.TakeVerificationAsync(Own);
            Assert.NotNull(next);
        }
    }

    [Fact]
    public async Task Of_a_tenant_without_a_record_there_is_nothing_and_nothing_is_wrong()
    {
        await using var record = (StoredRecord)await Store.OpenAsync();
        await WriteAsync(record, Own);
        var report = await VerifyAsync(record, "nobody");
        Assert.Equal((true, 0L, 0L, (VerifiedTree?)null), (report.Valid, report.Entries + report.AdministrativeRecords, report.Leaves, report.Tree));
    }

    [Fact]
    public async Task Whoever_leaves_ends_it_and_gives_the_place_back()
    {
        await using var record = (StoredRecord)await Store.OpenAsync();
        await WriteAsync(record, Own);
        using var key = Store.Key;
        using var left = new CancellationTokenSource();
        using (var verification = (await record.TakeVerificationAsync(Own))!)
        {
            await left.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => verification.RunAsync([key], cancellation: left.Token));
        }
        Assert.True((await VerifyAsync(record, Own)).Valid);
    }

    /// <summary>More than is looked at as of one moment, of records and of leaves.</summary>
    [Fact]
    public async Task A_long_record_is_looked_at_in_stretches_and_what_is_damaged_in_a_later_one_is_named()
    {
        const int records = 64 * Tile.Width + 700;
        await using var record = (StoredRecord)await Store.OpenAsync();
        for (var written = 0; written < records; written += 500)
            await Task.WhenAll(Enumerable.Range(0, Math.Min(500, records - written)).Select(_ => record.Registry.AppendAsync(Samples.Administrative(Own))));
        await GrownAsync(record, Own, records);
        var seen = new Seen();
        var report = await VerifyAsync(record, Own, seen);
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal((records, records, records), (report.AdministrativeRecords, report.Leaves, report.Tree!.Size));
        Assert.Equal(new VerificationProgress(records, records, records), seen.Last);
        Assert.InRange(seen.Times, 6, int.MaxValue);

        await Store.ExecuteAsync($"DELETE FROM leaf WHERE number = {records - 100}");
        Assert.StartsWith($"tenants/demo tree leaf {records - 100}: the leaf is missing", $"{(await VerifyAsync(record, Own)).FirstBad}", StringComparison.Ordinal);
        await Store.ExecuteAsync("DELETE FROM administrative_record WHERE idx = 9000");
        Assert.StartsWith("tenants/demo/administration (entry 9000): the record is missing", $"{(await VerifyAsync(record, Own)).FirstBad}", StringComparison.Ordinal);
        // As does who looks at everything.
        Assert.StartsWith("tenants/demo/administration (entry 9000): the record is missing", $"{(await Store.VerifyAsync()).FirstBad}", StringComparison.Ordinal);
    }

    private async Task<VerificationReport> VerifyAsync(StoredRecord record, string tenant, Seen? seen = null)
    {
        using var key = Store.Key;
        using var verification = (await record.TakeVerificationAsync(tenant))!;
        return await verification.RunAsync([key], seen);
    }

    /// <summary>Two conversations, of two turns each, and a document.</summary>
    /// <returns>How many leaves the tree has then, and a checkpoint for.</returns>
    private static async Task<long> WriteAsync(StoredRecord record, string tenant)
    {
        foreach (var name in (string[])["c1", "c2"])
        {
            var key = Samples.Key(name, tenant);
            var epoch = await record.Begin(key);
            await record.AppendTurn(key, 1, epoch, 3);
            await record.AppendTurn(key, 2, epoch, 3);
        }
        await record.Registry.ChangeAsync(Samples.Administrative(tenant), [new("role", "anna", 0, [1])]);
        const int size = 2 * 5 + 1;
        await GrownAsync(record, tenant, size);
        return size;
    }

    private static async Task GrownAsync(StoredRecord record, string tenant, long size)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (await record.FindCheckpointAsync(tenant) is not { } note || Checkpoint.Parse(note.Text).Size < size)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
    }

    private sealed class Seen : IProgress<VerificationProgress>
    {
        public VerificationProgress? Last { get; private set; }

        public int Times { get; private set; }

        public void Report(VerificationProgress value) => (Last, Times) = (value, Times + 1);
    }
}
