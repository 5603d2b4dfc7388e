using System.Diagnostics;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Tree;

/// <summary>The trees that a record keeps of its tenants.</summary>
public abstract class StoredTreeTests(IRecordStore store) : StoreTests(store)
{
    [Fact]
    public async Task Every_entry_is_proved_by_the_tree_of_its_tenant_soon_after_its_receipt()
    {
        await using var record = await Store.OpenAsync();
        using var key = Store.Key;
        var receipts = new List<Receipt>();
        foreach (var tenant in (string[])["demo", "an other/租户+"])
        {
            var conversation = Samples.Key("c1", tenant);
            var epoch = await record.Begin(conversation);
            receipts.Add(await record.AppendAsync(Samples.Turn(conversation, 1, epoch), Samples.Prompt));
            receipts.Add(await record.AppendAsync(Samples.Closed(conversation, 1, epoch, 0)));
            receipts.Add(await record.AppendAsync(Samples.Completed(conversation, epoch, 1)));
        }
        foreach (var receipt in receipts)
        {
            var proof = await Proof(record, receipt);
            var origin = receipt.Key.Tenant == "demo" ? "r1grains/demo" : "r1grains/an%20other%2F%E7%A7%9F%E6%88%B7%2B";
            Assert.True(key.Signed(proof.Checkpoint, origin));
            var checkpoint = Checkpoint.Parse(proof.Checkpoint.Text);
            Assert.Equal(origin, checkpoint.Origin);
            Assert.True(TreeProof.Includes(checkpoint.Root, checkpoint.Size, proof.Leaf, receipt.LeafHash, proof.Hashes));
        }
        Assert.Null(await record.ProveInclusionAsync(Samples.Key(), 4));
        Assert.Null(await record.ProveInclusionAsync(Samples.Key("c2"), 0));
        Assert.Null(await record.FindCheckpointAsync("nobody"));
    }

    [Fact]
    public async Task A_closed_turn_has_one_signed_receipt_however_often_it_is_asked_for()
    {
        await using var record = await Store.OpenAsync();
        using var signed = Store.Key;
        var key = Samples.Key("问 利率/1");
        var epoch = await record.Begin(key);
        var opened = await record.AppendAsync(Samples.Turn(key, 1, epoch), Samples.Prompt);
        Assert.Null(opened.Note);
        var closed = await record.AppendAsync(Samples.Closed(key, 1, epoch, 0));
        Assert.Equal(closed, await record.AppendAsync(Samples.Closed(key, 1, epoch, 0)));
        Assert.Equal(closed, (await record.FindTurnAsync(key, 1))!.ClosedReceipt);
        Assert.Equal(closed, (await record.TakeOverAsync(key))!.Turns[0].ClosedReceipt);

        var note = SignedNote.Parse(closed.Note!);
        Assert.True(signed.Signed(note, "r1grains/demo"));
        Assert.Equal(new Promise("r1grains/demo", key.Conversation, 2, closed.LeafHash, Samples.Closed(key, 1, epoch, 0).Time), Promise.Parse(note.Text));
        Assert.Throws<FormatException>(() => Checkpoint.Parse(note.Text));
        var proof = await Proof(record, closed);
        Assert.Throws<FormatException>(() => Promise.Parse(proof.Checkpoint.Text));
    }

    [Fact]
    public async Task A_later_tree_is_proved_to_begin_with_each_earlier_one_that_was_published()
    {
        var seen = new List<Checkpoint>();
        for (var round = 1; round <= 4; round++)
        {
            await using (var record = await Store.OpenAsync())
            {
                var epoch = await record.Begin(Samples.Key($"c{round}"));
                for (var turn = 1; turn <= 40 * round; turn++)
                    await record.AppendTurn(Samples.Key($"c{round}"), turn, epoch, 0);
            }
            await using var reopened = await Store.OpenAsync();
            using var key = Store.Key;
            var note = (await reopened.FindCheckpointAsync("demo"))!;
            Assert.True(key.Signed(note, "r1grains/demo"));
            seen.Add(Checkpoint.Parse(note.Text));
            Assert.Equal((40 * round + 40) * round + round, seen[^1].Size);
            foreach (var earlier in seen)
            {
                var proof = (await reopened.ProveConsistencyAsync("demo", earlier.Size))!;
                var later = Checkpoint.Parse(proof.Checkpoint.Text);
                Assert.True(TreeProof.IsConsistent(earlier.Size, earlier.Root, later.Size, later.Root, proof.Hashes));
            }
            Assert.Null(await reopened.ProveConsistencyAsync("demo", seen[^1].Size + 1));
            Assert.Empty((await reopened.ProveConsistencyAsync("demo", 0))!.Hashes);
        }
        using var signed = Store.Key;
        var report = await Store.VerifyAsync([signed]);
        Assert.True(report.Valid, report.FirstBad?.ToString());
        Assert.Equal(report.Entries, report.Leaves);
        using var stranger = NoteSigner.Generate();
        using var other = NoteKey.FromPem(stranger.PublicPem);
        Assert.Contains("not signed with the key given", (await Store.VerifyAsync([other])).FirstBad!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_comes_within_two_seconds_of_the_last_append_and_then_no_more()
    {
        await using var record = await Store.OpenAsync();
        var epoch = await record.Begin(Samples.Key());
        for (var turn = 1; turn <= 3; turn++)
        {
            var receipt = await record.AppendTurn(Samples.Key(), turn, epoch, 1);
            var began = Stopwatch.GetTimestamp();
            await Proof(record, receipt);
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(4));
        }
        var last = (await record.FindCheckpointAsync("demo"))!.ToString();
        await Task.Delay(TimeSpan.FromSeconds(1.5), TimeProvider.System);
        Assert.Equal(last, (await record.FindCheckpointAsync("demo"))!.ToString());
    }

    /// <summary>What is done to the rows, and where the verifier says it was.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        { "UPDATE leaf SET owner = 2 WHERE number = 8", "leaf 8" },
        { "UPDATE leaf SET kind = 7 WHERE number = 5", "leaf 5: leaves of kind 7 are unknown" },
        { "UPDATE leaf SET idx = 7777 WHERE number = 5", "leaf 5: it stands for entry 7777 of conversation number 1, which is missing" },
        { "DELETE FROM leaf WHERE number = 5", "leaf 5: the leaf is missing" },
        { "DELETE FROM leaf WHERE number = (SELECT max(number) FROM leaf)", "the leaf is missing" },
        { "INSERT INTO leaf SELECT id, size, 1, 9, 9 FROM tree", "no tile holds the leaf" },
        { "UPDATE leaf SET number = -1 WHERE number = 3; UPDATE leaf SET number = 3 WHERE number = 4; UPDATE leaf SET number = 4 WHERE number = -1", "leaf 3: the tile holds" },
        { "DELETE FROM tile WHERE level = 0 AND number = 1", "tile 2 comes where tile 1 is next" },
        { "DELETE FROM tile WHERE level = 0 AND number = 2", "leaf 512: no tile holds the leaf" },
        { "DELETE FROM tile WHERE level = 1", "tile 0 of level 1 is missing" },
        { "UPDATE tile SET level = 3 WHERE level = 1", "there is a tile 0 of level 3" },
        { "UPDATE tile SET hashes = substr(hashes, 1, 31) WHERE number = 2", "has 31 bytes" },
        { "UPDATE tile SET hashes = (SELECT t.hashes FROM tile t WHERE t.level = 0 AND t.number = 1) WHERE level = 0 AND number = 0", "leaf 0: the tile holds" },
        { "UPDATE tile SET hashes = (SELECT t.hashes FROM tile t WHERE t.level = 0 AND t.number = 1) WHERE level = 1", "tile 0 of level 1 does not hold what follows" },
        { "UPDATE tree SET size = size - 1", "the tree says" },
        { "UPDATE tree SET edge = substr(edge, 1, 32)", "edge" },
        { "UPDATE tree SET tenant = 'other'", "which belongs to tenant 'demo'" },
        { "UPDATE tree SET origin = 'other/demo'", "speaks of" },
        { "DELETE FROM tree; DELETE FROM leaf; DELETE FROM tile; DELETE FROM checkpoint", "stands in no tree" },
        { "UPDATE checkpoint SET note = replace(note, 'r1grains', 'elsewhere')", "speaks of" },
        { "UPDATE checkpoint SET note = 'nothing'", "cannot be read" },
        { "UPDATE checkpoint SET size = size + 1", "speaks of" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_changed_tree_is_found_and_its_place_named(string sql, string expected)
    {
        await using (var record = await Store.OpenAsync())
        {
            var epoch = await record.Begin(Samples.Key());
            for (var turn = 1; turn <= 300; turn++)
                await record.AppendTurn(Samples.Key(), turn, epoch, 0);
        }
        using var key = Store.Key;
        var clean = await Store.VerifyAsync([key]);
        Assert.True(clean.Valid, clean.FirstBad?.ToString());
        await Store.ExecuteAsync(sql);
        Assert.Contains(expected, (await Store.VerifyAsync([key])).FirstBad?.ToString() ?? "nothing was found", StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_that_was_replaced_with_all_of_its_chain_is_not_the_one_in_the_tree()
    {
        await using (var record = await Store.OpenAsync())
            await record.AppendTurn(Samples.Key(), 1, await record.Begin(Samples.Key()), 0);
        await using (var forgery = await Store.OpenAsync())
            await forgery.AppendTurn(Samples.Key("c2"), 1, await forgery.Begin(Samples.Key("c2")), 0);
        // Two conversations change places, with their heads: each chain stays whole.
        await Store.ExecuteAsync("""
            UPDATE conversation_head SET id = -id; UPDATE entry SET conversation_id = -conversation_id;
            UPDATE conversation_head SET id = 3 + id; UPDATE entry SET conversation_id = 3 + conversation_id
            """);
        var bad = (await Store.VerifyAsync()).FirstBad!;
        Assert.Equal(("demo", null, 0L), (bad.Tenant, bad.Conversation, bad.Leaf!.Value));
        Assert.Contains("the tile holds", bad.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_witness_follows_a_record_that_grows_and_refuses_one_that_went_back_or_another_way()
    {
        var folder = Directory.CreateTempSubdirectory("witness-").FullName;
        try
        {
            await WriteAsync("c1");
            using var key = Store.Key;
            using (var witness = Witness.Open(folder, "witness.example"))
            {
                Assert.Empty(await LookAsync(witness, key));
                await WriteAsync("c2");
                Assert.Empty(await LookAsync(witness, key));
            }
            var cosigned = Assert.Single(Witness.Cosigned(folder));
            Assert.Equal(("r1grains/demo", 8L), (cosigned.Origin, cosigned.Size));
            var note = SignedNote.Parse(File.ReadAllText(Assert.Single(Directory.GetFiles(folder, "*.note"))));
            using var own = NoteKey.FromPem(File.ReadAllText(Path.Combine(folder, "witness.key.pub")));
            Assert.True(own.Signed(note, "witness.example"));
            Assert.True(key.Signed(note, "r1grains/demo"));
            await (await Store.OpenWitnessedAsync(folder)).DisposeAsync();

            // It knows after a restart what it knew.
            using var again = Witness.Open(folder, "witness.example");
            using var stranger = NoteSigner.Generate();
            using var strange = NoteKey.FromPem(stranger.PublicPem);
            Assert.Contains("not signed", Assert.Single(await LookAsync(again, strange)).Reason, StringComparison.Ordinal);

            // Another way: the last two leaves were others.
            await Store.ExecuteAsync($"UPDATE tile SET hashes = {Joined("substr(hashes, 1, 192) || substr(hashes, 1, 64)")}");
            Assert.Contains("its first 8 leaves have the root", (await Assert.ThrowsAsync<RecordNotWitnessedException>(() => Store.OpenWitnessedAsync(folder))).Message, StringComparison.Ordinal);

            // Back: as an old copy is.
            await Store.ExecuteAsync("UPDATE tree SET size = 4, edge = substr(edge, 1, 32); DELETE FROM checkpoint WHERE size > 4; UPDATE tile SET hashes = substr(hashes, 1, 128); DELETE FROM leaf WHERE number >= 4");
            var back = Assert.Single(await LookAsync(again, key));
            Assert.Matches("8 (were cosigned|leaves of it were cosigned)", back.Reason);
            Assert.Contains("it has 4 leaves, 8 were cosigned", (await Assert.ThrowsAsync<RecordNotWitnessedException>(() => Store.OpenWitnessedAsync(folder))).Message, StringComparison.Ordinal);
            Assert.Equal(8, Assert.Single(Witness.Cosigned(folder)).Size);

            // Gone.
            await Store.ExecuteAsync("DELETE FROM tree; DELETE FROM checkpoint");
            Assert.Contains("gone", Assert.Single(await LookAsync(again, key)).Reason, StringComparison.Ordinal);
            Assert.Contains("it has 0 leaves", (await Assert.ThrowsAsync<RecordNotWitnessedException>(() => Store.OpenWitnessedAsync(folder))).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        async Task WriteAsync(string conversation)
        {
            await using var record = await Store.OpenAsync();
            var epoch = await record.Begin(Samples.Key(conversation));
            await record.AppendTurn(Samples.Key(conversation), 1, epoch, 0);
            await record.AppendAsync(Samples.Completed(Samples.Key(conversation), epoch, 1));
        }

        async Task<IReadOnlyList<RefusedTree>> LookAsync(Witness witness, NoteKey key)
        {
            await using var trees = await Store.OpenTreesAsync();
            return await witness.LookAsync(trees, [key]);
        }
    }

    [Fact]
    public async Task A_witness_refuses_a_tree_that_was_signed_anew()
    {
        var folder = Directory.CreateTempSubdirectory("witness-").FullName;
        try
        {
            await (await Store.OpenAsync()).DisposeAsync();
            using var key = Store.Key;
            using var witness = Witness.Open(folder, "witness.example");
            await using (var record = await Store.OpenAsync())
                await record.AppendTurn(Samples.Key(), 1, await record.Begin(Samples.Key()), 0);
            await using (var trees = await Store.OpenTreesAsync())
                Assert.Empty(await witness.LookAsync(trees, [key]));

            // Whoever has the key rewrites the tree and goes on: the last checkpoint is true of what is there now.
            await Store.ExecuteAsync($"UPDATE tile SET hashes = {Joined("substr(hashes, 33, 32) || substr(hashes, 1, 32) || substr(hashes, 65)")}; DELETE FROM checkpoint");
            var forged = new Frontier();
            foreach (var leaf in (Digest[])[Digest.Of("a"u8), Digest.Of("b"u8), Digest.Of("c"u8)])
                forged.Append(leaf);
            await Store.ExecuteAsync($"UPDATE tree SET edge = {Blob(forged.ToArray())}");
            await using (var record = await Store.OpenAsync())
                await record.Begin(Samples.Key("c2"));
            await using var rewritten = await Store.OpenTreesAsync();
            Assert.Contains("not proved to begin with the 3", Assert.Single(await witness.LookAsync(rewritten, [key])).Reason, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Bytes as the store's SQL writes them.</summary>
    protected abstract string Blob(byte[] bytes);

    /// <summary>Joined bytes, as bytes.</summary>
    protected abstract string Joined(string expression);

    internal static async Task<InclusionProof> Proof(IRecord record, Receipt receipt)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            if (await record.ProveInclusionAsync(receipt.Key, receipt.Index, patience.Token) is { } proof)
                return proof;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }
}
