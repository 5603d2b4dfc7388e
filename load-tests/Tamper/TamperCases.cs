using System.Text;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.LoadTests.Tamper;

/// <summary>What is done to a <see cref="TamperedRecord"/>, and what must stand in what is found.</summary>
internal static class TamperCases
{
    private const string C1 = "tenants/demo/conversations/c1", C2 = "tenants/demo/conversations/c2", Tree = "tenants/demo tree", Administration = "tenants/demo/administration";
    private const string Postgres = "PostgreSQL";

    public static IReadOnlyList<TamperCase> All { get; } =
    [
        // One byte, or one number, of each column that says something.
        Flip("entry", "skeleton", "conversation_id = 1 AND idx = 2", $"{C1}/turns/1 (entry 2)"),
        Flip("entry", "sealed", "conversation_id = 1 AND idx = 2", $"{C1}/turns/1 (entry 2)"),
        Flip("entry", "hash", "conversation_id = 1 AND idx = 2", $"{C1}/turns/1 (entry 2)"),
        Flip("entry", "pieces_hash", "conversation_id = 1 AND idx = 2", $"{C1}/turns/1 (entry 2)"),
        Flip("entry", "prompt", "conversation_id = 1 AND idx = 3", $"{C1}/turns/2 (entry 3)"),
        Flip("piece", "skeleton", "conversation_id = 1 AND turn = 2 AND number = 3", $"{C1}/turns/2 piece 3"),
        Flip("piece", "sealed", "conversation_id = 1 AND turn = 2 AND number = 3", $"{C1}/turns/2 piece 3"),
        Flip("piece", "hash", "conversation_id = 1 AND turn = 2 AND number = 3", $"{C1}/turns/2 piece 3"),
        Flip("conversation_head", "last_hash", "id = 2", C2),
        Flip("conversation_head", "pieces_hash", "id = 2", C2),
        Flip("conversation_head", "data_key", "id = 2", $"{C2} (entry 0)"),
        Flip("conversation_head", "customer", "id = 2", $"{C2} (entry 0)"),
        Flip("administrative_record", "payload", "tenant = 'demo' AND idx = 1", $"{Administration} (entry 1)"),
        Flip("administrative_record", "hash", "tenant = 'demo' AND idx = 1", $"{Administration} (entry 1)"),
        Flip("document", "content", "tenant = 'demo'", Administration),
        Flip("tile", "hashes", $"level = 0 AND tree = {TreeOf("demo")}", $"{Tree} leaf 0"),
        Flip("tree", "edge", "tenant = 'demo'", Tree),
        TamperCase.Sql("a number changed", "entry.epoch", $"{C1}/turns/2 (entry 3)", "UPDATE entry SET epoch = 99 WHERE conversation_id = 1 AND idx = 3"),
        TamperCase.Sql("a number changed", "entry.piece_count", $"{C1}/turns/1 (entry 2)", "UPDATE entry SET piece_count = 3 WHERE conversation_id = 1 AND idx = 2"),
        TamperCase.Sql("a number changed", "entry.format", $"{C1} (entry 2)", "UPDATE entry SET format = 5 WHERE conversation_id = 1 AND idx = 2"),
        TamperCase.Sql("a number changed", "head.idle_timeout", C1, "UPDATE conversation_head SET idle_timeout = 1 WHERE id = 1"),
        TamperCase.Sql("a number changed", "document.version", Administration, "UPDATE document SET version = 9 WHERE tenant = 'demo'"),

        TamperCase.Sql("re-dated", "entry", $"{C1}/turns/1 (entry 2)", "UPDATE entry SET time = time + 1 WHERE conversation_id = 1 AND idx = 2"),
        TamperCase.Sql("re-dated", "piece", $"{C1}/turns/1 piece 2", "UPDATE piece SET time = time + 1 WHERE conversation_id = 1 AND turn = 1 AND number = 2"),
        TamperCase.Sql("re-dated", "administrative record", $"{Administration} (entry 1)", "UPDATE administrative_record SET time = time + 1 WHERE tenant = 'demo' AND idx = 1"),

        TamperCase.Sql("swapped", "two entries", $"{C1}/turns/2 (entry 1)", "UPDATE entry SET idx = 99 WHERE conversation_id = 1 AND idx = 1; UPDATE entry SET idx = 1 WHERE conversation_id = 1 AND idx = 3; UPDATE entry SET idx = 3 WHERE conversation_id = 1 AND idx = 99"),
        TamperCase.Sql("swapped", "two pieces", $"{C1}/turns/2 piece 1", "UPDATE piece SET number = 99 WHERE conversation_id = 1 AND turn = 2 AND number = 1; UPDATE piece SET number = 1 WHERE conversation_id = 1 AND turn = 2 AND number = 2; UPDATE piece SET number = 2 WHERE conversation_id = 1 AND turn = 2 AND number = 99"),
        TamperCase.Sql("swapped", "the names of two conversations", "tenants/demo/conversations/c3 (entry 0)", "UPDATE conversation_head SET name = 'x' WHERE id = 1; UPDATE conversation_head SET name = 'c1' WHERE id = 3; UPDATE conversation_head SET name = 'c3' WHERE id = 1"),
        TamperCase.Sql("swapped", "two leaves", $"{Tree} leaf 3", $"UPDATE leaf SET number = -1 WHERE tree = {TreeOf("demo")} AND number = 3; UPDATE leaf SET number = 3 WHERE tree = {TreeOf("demo")} AND number = 4; UPDATE leaf SET number = 4 WHERE tree = {TreeOf("demo")} AND number = -1"),

        TamperCase.Sql("inserted", "a leaf", Tree, $"INSERT INTO leaf (tree, number, kind, owner, idx) SELECT id, size, 1, 9, 9 FROM tree WHERE tenant = 'demo'"),
        TamperCase.Sql("inserted", "a document", Administration, "INSERT INTO document (tenant, kind, id, version, change, content) SELECT 'demo', 'role', 'eve', 1, change, content FROM document WHERE change = (SELECT max(change) FROM document)"),
        TamperCase.Sql("duplicated", "an administrative record, in the place of another", $"{Administration} (entry 2)", "UPDATE administrative_record SET (time, payload, hash) = (SELECT r.time, r.payload, r.hash FROM administrative_record r WHERE r.tenant = 'demo' AND r.idx = 0) WHERE tenant = 'demo' AND idx = 2"),
        TamperCase.Sql("duplicated", "a turn's opening, in the place of the next", $"{C1}/turns/2 (entry 3)", "UPDATE entry SET (time, epoch, skeleton, sealed, prompt, hash) = (SELECT e.time, e.epoch, e.skeleton, e.sealed, e.prompt, e.hash FROM entry e WHERE e.conversation_id = 1 AND e.idx = 1) WHERE conversation_id = 1 AND idx = 3"),
        TamperCase.Sql("duplicated", "a head", "number 5", $"INSERT INTO conversation_head ({HeadColumns}) SELECT 9{HeadColumns[2..].Replace(" name,", " 'copy',", StringComparison.Ordinal).Replace(" request_id,", " 'copied',", StringComparison.Ordinal)} FROM conversation_head WHERE id = 3") with { Store = "SQLite" },

        TamperCase.Sql("head deleted", "of a chain", $"{C1} (entry 0)", "DELETE FROM entry WHERE conversation_id = 1 AND idx = 0"),
        TamperCase.Sql("head deleted", "of the pieces", $"{C1}/turns/2 piece 1", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 1"),
        TamperCase.Sql("head deleted", "of the administrative chain", $"{Administration} (entry 0)", "DELETE FROM administrative_record WHERE tenant = 'demo' AND idx = 0"),
        TamperCase.Sql("middle deleted", "of a chain", $"{C1} (entry 2)", "DELETE FROM entry WHERE conversation_id = 1 AND idx = 2"),
        TamperCase.Sql("middle deleted", "of the pieces", $"{C1}/turns/2 piece 2", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 2"),
        TamperCase.Sql("middle deleted", "of the leaves", $"{Tree} leaf 5", $"DELETE FROM leaf WHERE tree = {TreeOf("demo")} AND number = 5"),
        TamperCase.Sql("tail deleted", "of a chain", $"{C1} (entry 5)", "DELETE FROM entry WHERE conversation_id = 1 AND idx = 5"),
        TamperCase.Sql("tail deleted", "of an open turn's pieces", $"{C2}/turns/3 piece 2", "DELETE FROM piece WHERE conversation_id = 2 AND turn = 3 AND number = 2"),
        TamperCase.Sql("tail deleted", "of the leaves", Tree, $"DELETE FROM leaf WHERE tree = {TreeOf("demo")} AND number = (SELECT max(number) FROM leaf WHERE tree = {TreeOf("demo")})"),
        TamperCase.Sql("tail deleted", "of a chain, its head put back", Tree, "DELETE FROM entry WHERE conversation_id = 1 AND idx = 5; UPDATE conversation_head SET next_index = 5, completed = (1 = 0), last_hash = (SELECT hash FROM entry WHERE conversation_id = 1 AND idx = 4), last_activity = (SELECT time FROM entry WHERE conversation_id = 1 AND idx = 4) WHERE id = 1"),
        TamperCase.Sql("conversation removed", "from the middle", "number 2 is missing", "DELETE FROM conversation_head WHERE id = 2; DELETE FROM entry WHERE conversation_id = 2; DELETE FROM piece WHERE conversation_id = 2"),
        TamperCase.Sql("conversation removed", "the last one", "number 4 is missing", "DELETE FROM conversation_head WHERE id = 4; DELETE FROM entry WHERE conversation_id = 4; DELETE FROM piece WHERE conversation_id = 4"),
        TamperCase.Sql("access record removed", "with the chain's end put back", Tree, "DELETE FROM administrative_record WHERE tenant = 'demo' AND idx >= 2; DELETE FROM document WHERE tenant = 'demo' AND change = (SELECT max(change) FROM document); UPDATE administration SET next_index = 2, last_hash = (SELECT hash FROM administrative_record WHERE tenant = 'demo' AND idx = 1) WHERE tenant = 'demo'"),
        TamperCase.Sql("access record removed", "all of the chain", "demo", "DELETE FROM administrative_record WHERE tenant = 'demo'; DELETE FROM administration WHERE tenant = 'demo'"),

        TamperCase.Sql("renumbered", "a turn", $"{C1}/turns/7 (entry 3)", "UPDATE entry SET turn = 7 WHERE conversation_id = 1 AND idx = 3"),
        TamperCase.Sql("renumbered", "a chain after one was deleted", $"{C1}/turns/2 (entry 1)", "DELETE FROM entry WHERE conversation_id = 1 AND turn = 1; UPDATE entry SET idx = idx + 100 WHERE conversation_id = 1 AND idx > 2; UPDATE entry SET idx = idx - 102 WHERE conversation_id = 1 AND idx > 100"),
        TamperCase.Sql("renumbered", "a conversation", "number 2 is missing", "UPDATE conversation_head SET id = 9 WHERE id = 2; UPDATE entry SET conversation_id = 9 WHERE conversation_id = 2; UPDATE piece SET conversation_id = 9 WHERE conversation_id = 2"),
        TamperCase.Sql("moved to another tenant", "a conversation", "tenants/north/conversations/c2 (entry 0)", "UPDATE conversation_head SET tenant = 'north' WHERE id = 2"),
        TamperCase.Sql("moved to another tenant", "a tree", "tenants/other tree", "UPDATE tree SET tenant = 'other' WHERE tenant = 'demo'"),
        TamperCase.Sql("moved to another tenant", "an administrative chain", "tenants/south/administration (entry 0)", "UPDATE administrative_record SET tenant = 'south' WHERE tenant = 'demo'; UPDATE administration SET tenant = 'south' WHERE tenant = 'demo'; UPDATE document SET tenant = 'south' WHERE tenant = 'demo'"),
        TamperCase.Sql("moved to another conversation", "a closing", $"{C1}/turns/1 (entry 2)", "UPDATE entry SET conversation_id = 99 WHERE conversation_id = 1 AND idx = 2; UPDATE entry SET conversation_id = 1 WHERE conversation_id = 3 AND idx = 2; UPDATE entry SET conversation_id = 3 WHERE conversation_id = 99"),
        TamperCase.Sql("moved to another conversation", "what one said for the other", $"{Tree} leaf", "UPDATE conversation_head SET id = 1000 - id WHERE id IN (1, 3); UPDATE entry SET conversation_id = 1000 - conversation_id WHERE conversation_id IN (1, 3); UPDATE piece SET conversation_id = 1000 - conversation_id WHERE conversation_id IN (1, 3); UPDATE conversation_head SET id = id - 996 WHERE id > 900; UPDATE entry SET conversation_id = conversation_id - 996 WHERE conversation_id > 900; UPDATE piece SET conversation_id = conversation_id - 996 WHERE conversation_id > 900") with { Store = "SQLite" },
        TamperCase.Sql("ciphertext and hash replaced together", "a closing by another", $"{C1}/turns/2 (entry 4)", "UPDATE entry SET (skeleton, sealed, hash) = (SELECT skeleton, sealed, hash FROM entry WHERE conversation_id = 3 AND idx = 4) WHERE conversation_id = 1 AND idx = 4"),
        TamperCase.Sql("ciphertext and hash replaced together", "a piece by another", $"{C1}/turns/1 piece 1", "UPDATE piece SET (skeleton, sealed, hash) = (SELECT skeleton, sealed, hash FROM piece WHERE conversation_id = 3 AND turn = 1 AND number = 1) WHERE conversation_id = 1 AND turn = 1 AND number = 1"),
        TamperCase.Sql("words taken away", "the sealed fields of a turn", $"{C1}/turns/1 (entry 2)", "UPDATE entry SET sealed = NULL WHERE conversation_id = 1 AND idx = 2"),
        TamperCase.Sql("words taken away", "a turn's pieces", $"{C1}/turns/2 piece 1", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2"),
        new("version replaced", "of the model, in an opening", $"{C1}/turns/2 (entry 3)", record => ReplaceAsync(record, "r1-tiny", "r9-tiny")),
        new("version replaced", "of the template, in an opening", $"{C1}/turns/2 (entry 3)", record => ReplaceAsync(record, "2026-01", "2026-02")),
        TamperCase.Sql("open turn hidden", "by its head", C2, "UPDATE conversation_head SET deadline = NULL WHERE id = 2"),
        TamperCase.Sql("request lent to another", "to one that created no conversation", $"{C2} (entry 0)", "UPDATE conversation_head SET caller = 'eve' WHERE id = 2"),
        TamperCase.Sql("request lent to another", "to one that opened no turn", $"{C1}/turns/2 (entry 3)", "UPDATE entry SET request_id = 'turn-9' WHERE conversation_id = 1 AND idx = 3"),
        TamperCase.Sql("receipt altered", "replaced by another turn's", $"{C1}/turns/1 (entry 2)", "UPDATE entry SET receipt = (SELECT e.receipt FROM entry e WHERE e.conversation_id = 1 AND e.idx = 4) WHERE conversation_id = 1 AND idx = 2"),

        // Trees, checkpoints, proofs, and those who keep them elsewhere.
        TamperCase.Sql("tile edited", "of the level above the leaves", $"{Tree} leaf", store => $"UPDATE tile SET hashes = {store.Bytes("substr(hashes, 33, 32) || substr(hashes, 1, 32) || substr(hashes, 65)")} WHERE tree = {TreeOf("demo")} AND level = 0"),
        TamperCase.Sql("tile edited", "cut", Tree, $"UPDATE tile SET hashes = substr(hashes, 1, 31) WHERE tree = {TreeOf("demo")}"),
        new("tree rebuilt", "by whoever has the key", Tree, RebuildAsync),
        TamperCase.Sql("old checkpoint", "in the place of the last", "r1grains/demo", $"DELETE FROM checkpoint WHERE tree = {TreeOf("demo")} AND size > 11"),
        new("forked", "two checkpoints of one size", "r1grains/demo", ForkAsync),
        new("signed by another key", "every checkpoint", Tree, SignAnewAsync),
        new("wrong algorithm", "the id of a checkpoint's key", Tree, NameAnotherAlgorithmAsync),
        new("proof edited", "a hash of it", "the proof does not lead to the checkpoint", record => OfferAsync(record, (proof, _) => proof with { Hashes = [.. proof.Hashes.Skip(1), Digest.Of("another"u8)] })),
        new("proof edited", "for another leaf", "the proof does not lead to the checkpoint", record => OfferAsync(record, (proof, _) => proof with { Leaf = proof.Leaf + 1 })),
        new("proof edited", "with a checkpoint of another key", "not signed with the key given", record => OfferAsync(record, (proof, stranger) => proof with { Checkpoint = new LogIdentity("r1grains", stranger).Sign(Checkpoint.Parse(proof.Checkpoint.Text)) })),
        new("old backup", "of the record", "demo", async record =>
        {
            await record.Store.ResetAsync(TamperedRecord.Older, rowsAlone: true);
            return null;
        }),
        new("witness forged", "what it cosigned, without its key", "is not signed by the witness", ForgeWitnessAsync),
        new("data key substituted", "by another customer's", "demo", SubstituteKeyAsync),

        // What only a server has.
        TamperCase.Sql("month dropped", "with its entries", $"{C1} (entry 0)", "DROP TABLE entry_2026_01") with { Store = Postgres },
        TamperCase.Sql("month dropped", "detached alone", $"{C1} (entry 0)", "ALTER TABLE entry DETACH PARTITION entry_2026_01") with { Store = Postgres },
        TamperCase.Sql("month dropped", "with its pieces, and said to be retired", C2, "INSERT INTO document (tenant, kind, id, version, change, content) VALUES ('*', 'retired-pieces', '2026-01', 1, 99, ''); DROP TABLE piece_2026_01") with { Store = Postgres },
        TamperCase.Sql("trigger switched off", "by a superuser", $"{C1}/turns/1 (entry 2)", "SET session_replication_role = origin; ALTER TABLE entry DISABLE TRIGGER ALL; UPDATE entry SET time = time + 1 WHERE conversation_id = 1 AND idx = 2; ALTER TABLE entry ENABLE TRIGGER ALL") with { Store = Postgres },
        TamperCase.Sql("request freed", "to be used again", $"{C1}/turns/2 (entry 3)", "DELETE FROM turn_request WHERE conversation_id = 1 AND turn = 2") with { Store = Postgres },
        TamperCase.Sql("moved to another tenant", "the rows of a turn", $"{C1}/turns/2 (entry 3)", "UPDATE entry SET tenant = 'north' WHERE conversation_id = 1 AND idx = 3") with { Store = Postgres },
    ];

    private const string HeadColumns = "id, tenant, name, caller, request_id, data_key, customer, epoch, next_index, next_turn, next_piece, last_hash, pieces_hash, deadline, idle_timeout, last_activity, completed";

    private static string TreeOf(string tenant) => $"(SELECT id FROM tree WHERE tenant = '{tenant}')";

    private static TamperCase Flip(string table, string column, string row, string named) =>
        TamperCase.Sql("a byte flipped", $"{table}.{column}", named, store => $"UPDATE {table} SET {column} = {store.Flipped(column)} WHERE {row}");

    /// <summary>In the skeleton of an opening, which everybody can read.</summary>
    private static async Task<string?> ReplaceAsync(TamperedRecord record, string word, string other)
    {
        var (store, where) = (record.Store, "WHERE conversation_id = 1 AND idx = 3");
        var bytes = Convert.FromHexString(await store.ReadAsync($"SELECT {(store is TamperedFiles ? "hex(skeleton)" : "encode(skeleton, 'hex')")} FROM entry {where}"));
        var at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(word));
        if (at < 0)
            throw new InvalidOperationException($"the opening does not say '{word}'");
        Encoding.UTF8.GetBytes(other).CopyTo(bytes, at);
        await store.ExecuteAsync($"UPDATE entry SET skeleton = {store.Blob(bytes)} {where}");
        return null;
    }

    /// <summary>Other leaves, their tree, and a checkpoint that is true of it.</summary>
    private static async Task<string?> RebuildAsync(TamperedRecord record)
    {
        var store = record.Store;
        var size = long.Parse(await store.ReadAsync($"SELECT CAST(size AS text) FROM tree WHERE tenant = 'demo'"), System.Globalization.CultureInfo.InvariantCulture);
        var (forged, hashes) = (new Frontier(), new List<byte>());
        for (var leaf = 0; leaf < size; leaf++)
        {
            var digest = Digest.Of(BitConverter.GetBytes(leaf));
            forged.Append(digest);
            hashes.AddRange(digest.ToArray());
        }
        using var signer = store.ReadSigner();
        var note = new LogIdentity("r1grains", signer).Sign(new Checkpoint("r1grains/demo", size, forged.Root)).ToString();
        await store.ExecuteAsync($"UPDATE tile SET hashes = {store.Blob([.. hashes])} WHERE tree = {TreeOf("demo")}; UPDATE tree SET edge = {store.Blob(forged.ToArray())} WHERE tenant = 'demo'; DELETE FROM checkpoint WHERE tree = {TreeOf("demo")} AND size < {size}; UPDATE checkpoint SET note = '{note}' WHERE tree = {TreeOf("demo")}");
        return null;
    }

    private static async Task<string?> ForkAsync(TamperedRecord record)
    {
        var last = await LastAsync(record);
        using var signer = record.Store.ReadSigner();
        await WriteAsync(record, last, new LogIdentity("r1grains", signer).Sign(last with { Root = Digest.Of("another"u8) }));
        return null;
    }

    private static async Task<string?> SignAnewAsync(TamperedRecord record)
    {
        var last = await LastAsync(record);
        using var stranger = NoteSigner.Generate();
        await record.Store.ExecuteAsync($"DELETE FROM checkpoint WHERE tree = {TreeOf("demo")} AND size < {last.Size}");
        await WriteAsync(record, last, new LogIdentity("r1grains", stranger).Sign(last));
        return null;
    }

    private static async Task<string?> NameAnotherAlgorithmAsync(TamperedRecord record)
    {
        var last = await LastAsync(record);
        using var signer = record.Store.ReadSigner();
        var note = new LogIdentity("r1grains", signer).Sign(last);
        await WriteAsync(record, last, note with { Signatures = [note.Signatures[0] with { KeyId = note.Signatures[0].KeyId + 1 }] });
        return null;
    }

    private static async Task<Checkpoint> LastAsync(TamperedRecord record) =>
        Checkpoint.Parse(SignedNote.Parse(await record.Store.ReadAsync($"SELECT note FROM checkpoint WHERE tree = {TreeOf("demo")} ORDER BY size DESC LIMIT 1")).Text);

    private static Task WriteAsync(TamperedRecord record, Checkpoint last, SignedNote note) =>
        record.Store.ExecuteAsync($"UPDATE checkpoint SET note = '{note}' WHERE tree = {TreeOf("demo")} AND size = {last.Size}");

    /// <summary>A proof that somebody was to be content with.</summary>
    private static async Task<string?> OfferAsync(TamperedRecord record, Func<InclusionProof, NoteSigner, InclusionProof> edit)
    {
        using var signer = record.Store.ReadSigner();
        using var stranger = NoteSigner.Generate();
        using var key = record.Store.ReadKey();
        await using var keys = await record.Store.OpenKeysAsync();
        await using var stored = await record.Store.OpenAsync(signer, keys, witnessed: false);
        var receipt = record.Receipts[0];
        var proof = (await stored.ProveInclusionAsync(receipt.Key, receipt.Index))!;
        return TamperedRecord.Objection(receipt, proof, key) is { } wrong
            ? throw new InvalidOperationException($"the true proof does not hold: {wrong}")
            : TamperedRecord.Objection(receipt, edit(proof, stranger), key);
    }

    private static async Task<string?> ForgeWitnessAsync(TamperedRecord record)
    {
        using var signer = record.Store.ReadSigner();
        var file = Directory.EnumerateFiles(record.Store.WitnessFolder, "*demo.note").Single();
        await File.WriteAllTextAsync(file, new LogIdentity("r1grains", signer).Sign(new Checkpoint("r1grains/demo", 1, Digest.Of("another"u8))).ToString());
        return null;
    }

    private static Task<string?> SubstituteKeyAsync(TamperedRecord record)
    {
        var keys = Directory.EnumerateFiles(Path.Combine(record.Store.Folder, KeyRing.FolderName), "data-*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        File.Copy(keys[0], keys[1], overwrite: true);
        return Task.FromResult<string?>(null);
    }
}
