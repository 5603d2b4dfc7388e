using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Tree;

/// <summary>Another program, in another language, written from FORMAT.md, says of the same record what ours says.</summary>
public sealed class SecondVerifierTests : IDisposable
{
    private const int Turns = 300;

    private readonly RecordFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static IEnumerable<object[]> Cases => StoredTreeTests.Cases.Select(row => (object[])[row[0]]).Concat(OfEntries.Select(sql => (object[])[sql]));

    private static readonly string[] OfEntries =
    [
        "UPDATE entry SET skeleton = CAST(substr(skeleton, 1, length(skeleton) - 1) || x'7f' AS BLOB) WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'7f' AS BLOB) WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET sealed = (SELECT e.sealed FROM entry e WHERE e.conversation_id = 1 AND e.idx = 6) WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET prompt = (SELECT e.prompt FROM entry e WHERE e.conversation_id = 1 AND e.idx = 5) WHERE conversation_id = 1 AND idx = 3",
        "UPDATE entry SET time = time + 1 WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET epoch = 9 WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET format = 1 WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET hash = (SELECT e.hash FROM entry e WHERE e.conversation_id = 1 AND e.idx = 5) WHERE conversation_id = 1 AND idx = 4",
        "DELETE FROM entry WHERE conversation_id = 1 AND idx = 3",
        "UPDATE entry SET receipt = (SELECT e.receipt FROM entry e WHERE e.conversation_id = 1 AND e.idx = 4) WHERE conversation_id = 1 AND idx = 2",
        "UPDATE piece SET skeleton = CAST(substr(skeleton, 1, length(skeleton) - 1) || x'7f' AS BLOB) WHERE conversation_id = 1 AND turn = 2",
        "UPDATE piece SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'7f' AS BLOB) WHERE conversation_id = 1 AND turn = 2",
        "UPDATE piece SET number = 7 WHERE conversation_id = 1 AND turn = 1",
        "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2",
        "UPDATE checkpoint SET note = replace(note, 'demo', 'other')",
        "UPDATE checkpoint SET note = replace(note, '\u2014', '-')",
    ];

    [Fact]
    public async Task It_agrees_on_what_is_true()
    {
        var proofs = await WriteAsync();
        Assert.True((await RecordVerifier.VerifyAsync(_folder.Path, [Key()])).Valid);
        Assert.Equal("VALID", await SecondAsync(Dump(proofs)));
        Assert.Equal("VALID", await SecondAsync(Dump(proofs, withKeys: true)));
    }

    /// <summary>With the keys it opens what is sealed, and finds what no hash shows: words that were sealed anew, and committed to.</summary>
    [Fact]
    public async Task It_opens_what_is_sealed_and_agrees_on_what_was_sealed_in_its_place()
    {
        await AppendAsync();
        await using var keys = await KeyRing.OpenBesideAsync(_folder.Path);
        var key = (await keys.FindAsync("demo", Rows("SELECT data_key FROM conversation_head WHERE id = 1", row => DataKeyId.Of(row.Bytes(0))).Single()))!;
        var last = Rows($"SELECT idx, time, epoch, skeleton, pieces_hash, piece_count, (SELECT b.hash FROM entry b WHERE b.conversation_id = 1 AND b.idx = e.idx - 1) FROM entry e WHERE conversation_id = 1 AND idx = {2 * Turns}", row =>
            (Index: row.GetInt64(0), Time: row.GetInt64(1), Epoch: row.GetInt64(2), Skeleton: row.Bytes(3), Pieces: (row.GetInt32(5), row.Digest(4)), Previous: row.Digest(6))).Single();
        // All that follows from it is made to agree, but for its place in the tree: there is none yet.
        var forged = Payload.Seal(Samples.Closed(Samples.Key(), Turns, last.Epoch, last.Pieces.Item1) with { Reasoning = "客户问天气。" }, key).Sealed!;
        Digest.Of(forged).CopyTo(last.Skeleton.AsSpan(last.Skeleton.Length - Digest.Length));
        var leaf = new Entry(last.Index, EntryKind.TurnClosed, Turns, last.Epoch, last.Time, new(last.Skeleton, forged), last.Pieces).Leaf(Samples.Key(), last.Previous);
        _folder.Execute($"""
            UPDATE entry SET skeleton = x'{Convert.ToHexString(last.Skeleton)}', sealed = x'{Convert.ToHexString(forged)}', hash = x'{leaf}', receipt = NULL WHERE conversation_id = 1 AND idx = {last.Index};
            UPDATE conversation_head SET last_hash = x'{leaf}'
            """);
        Assert.StartsWith("INVALID: demo/c1 entry 600 field 0 is not the one committed to", await SecondAsync(Dump(Proofs.None, withKeys: true)), StringComparison.Ordinal);
        Assert.Equal("confidential field 0 is not the one that is committed to", (await RecordVerifier.VerifyAsync(_folder.Path, dataKeys: keys)).FirstBad!.Reason);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task It_agrees_on_what_was_changed(string sql)
    {
        await AppendAsync();
        _folder.Execute(sql);
        Assert.False((await RecordVerifier.VerifyAsync(_folder.Path, [Key()])).Valid);
        Assert.StartsWith("INVALID", await SecondAsync(Dump(Proofs.None)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_refuses_proofs_that_were_changed()
    {
        var proofs = await WriteAsync();
        foreach (var proof in proofs.Inclusion)
        {
            foreach (var false_ in new[] { proof with { Leaf = proof.Leaf + 1 }, proof with { Hashes = [.. proof.Hashes.Skip(1)] }, proof with { Hashes = [.. proof.Hashes.Reverse()] }, proof with { LeafHash = proof.Hashes[0] }, proof with { Origin = "r1grains/other" } })
                Assert.StartsWith("INVALID", await SecondAsync(Dump(new([false_], []))), StringComparison.Ordinal);
        }
        foreach (var proof in proofs.Consistency.Where(proof => proof.Hashes.Count > 1))
        {
            foreach (var false_ in new[] { proof with { First = proof.First - 1 }, proof with { FirstRoot = proof.Hashes[0] }, proof with { Hashes = [.. proof.Hashes.Reverse()] }, proof with { Hashes = [.. proof.Hashes.SkipLast(1)] } })
                Assert.StartsWith("INVALID", await SecondAsync(Dump(new([], [false_]))), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_follows_the_keys_that_sign_from_the_first_to_the_newest_and_no_further()
    {
        await using (var ring = await KeyRing.OpenBesideAsync(_folder.Path))
        await using (var record = await SqliteRecord.OpenAsync(_folder.Path, keys: ring))
        {
            var epoch = await record.Begin(Samples.Key());
            await record.AppendTurn(Samples.Key(), 1, epoch, 1);
            var rotations = new KeyRotations(record, ring, TimeProvider.System);
            foreach (var request in (string[])["1", "2"])
            {
                await rotations.RequestAsync(IRegistry.Cluster, KeyKind.Signing, "olga", request, "");
                await rotations.AdvanceAsync(IRegistry.Cluster);
            }
            await record.AppendTurn(Samples.Key(), 2, epoch, 1);
        }
        Assert.Equal(3, (await RecordVerifier.VerifyAsync(_folder.Path, [Key()])) is { Valid: true } report ? report.Signers.Count : 0);
        Assert.Equal("VALID", await SecondAsync(Dump(Proofs.None)));
        var honest = Rows("SELECT note FROM checkpoint WHERE tree = (SELECT id FROM tree WHERE tenant = 'demo') ORDER BY size DESC LIMIT 1", row => row.GetString(0)).Single();
        using var thief = NoteSigner.Read(Path.Combine(_folder.Path, SqliteRecord.KeyFileName));
        foreach (var sql in (string[])
        [
            $"UPDATE checkpoint SET note = '{thief.Note(SignedNote.Parse(honest).Text, "r1grains/demo")}' WHERE note = '{honest}'",
            "UPDATE document SET content = NULL WHERE kind = 'signing-key' AND id = '2'",
            "UPDATE document SET content = NULL WHERE kind = 'signing-key' AND id = '3'",
            "UPDATE document SET content = (SELECT d.content FROM document d WHERE d.kind = 'signing-key' AND d.id = '3') WHERE kind = 'signing-key' AND id = '2'",
            "UPDATE document SET content = CAST(substr(content, 1, length(content) - 1) || x'7f' AS BLOB) WHERE kind = 'signing-key' AND id = '2'",
            "UPDATE administrative_record SET payload = CAST(payload || x'00' AS BLOB) WHERE tenant = '*' AND idx = 1",
        ])
        {
            var copy = await File.ReadAllBytesAsync(_folder.File);
            _folder.Execute(sql);
            Assert.False((await RecordVerifier.VerifyAsync(_folder.Path, [Key()])).Valid, sql);
            Assert.StartsWith("INVALID", await SecondAsync(Dump(Proofs.None)), StringComparison.Ordinal);
            File.Delete(_folder.File + "-wal");
            await File.WriteAllBytesAsync(_folder.File, copy);
        }
    }

    private NoteKey Key() => NoteKey.FromPem(File.ReadAllText(Path.Combine(_folder.Path, SqliteRecord.KeyFileName + ".pub")));

    private async Task<Proofs> WriteAsync()
    {
        await AppendAsync();
        await using (var record = await _folder.OpenAsync())
        {
            await record.AppendTurn(Samples.Key("问*(1)", "其他 tenant"), 1, await record.Begin(Samples.Key("问*(1)", "其他 tenant")), 2);
        }
        await using var reopened = await _folder.OpenAsync();
        var frontier = new Frontier();
        var roots = new List<Digest> { frontier.Root };
        var (inclusion, consistency) = (new List<Inclusion>(), new List<Consistency>());
        foreach (var index in Enumerable.Range(0, 2 * Turns + 1))
        {
            var receipt = index == 0 ? null : (await reopened.FindTurnAsync(Samples.Key(), (index + 1) / 2)) is { } turn ? index % 2 == 1 ? turn.OpenedReceipt : turn.ClosedReceipt : null;
            if (receipt is null || index % 37 != 1 && index != 2 * Turns)
                continue;
            var proof = (await reopened.ProveInclusionAsync(receipt.Key, receipt.Index))!;
            inclusion.Add(new(receipt.LeafHash.ToString(), proof.Leaf, [.. proof.Hashes.Select(hash => hash.ToString())], proof.Checkpoint.ToString(), "r1grains/demo"));
        }
        foreach (var leaf in Rows("SELECT e.hash FROM tree t JOIN leaf l ON l.tree = t.id JOIN entry e ON e.conversation_id = l.owner AND e.idx = l.idx WHERE t.tenant = 'demo' ORDER BY l.number", row => row.Digest(0)))
        {
            frontier.Append(leaf);
            roots.Add(frontier.Root);
        }
        foreach (var first in (int[])[1, 2, 3, 64, 127, 200, 256, 257, roots.Count - 1])
        {
            var proof = (await reopened.ProveConsistencyAsync("demo", first))!;
            consistency.Add(new(first, roots[first].ToString(), [.. proof.Hashes.Select(hash => hash.ToString())], proof.Checkpoint.ToString(), "r1grains/demo"));
        }
        return new(inclusion, consistency);
    }

    private async Task AppendAsync()
    {
        await using var record = await _folder.OpenAsync();
        var epoch = await record.Begin(Samples.Key());
        for (var turn = 1; turn <= Turns; turn++)
            await record.AppendTurn(Samples.Key(), turn, epoch, turn % 3);
    }

    private string Dump(Proofs proofs, bool withKeys = false) => JsonSerializer.Serialize(new
    {
        Key = File.ReadAllText(Path.Combine(_folder.Path, SqliteRecord.KeyFileName + ".pub")),
        Conversations = Rows("SELECT id, tenant, name FROM conversation_head ORDER BY id", row => (Id: row.GetInt64(0), Tenant: row.GetString(1), Name: row.GetString(2))).Select(head => new
        {
            head.Id,
            head.Tenant,
            head.Name,
            Entries = Rows($"SELECT idx, format, kind, turn, epoch, time, skeleton, piece_count, pieces_hash, hash, receipt, sealed, prompt FROM entry WHERE conversation_id = {head.Id} ORDER BY idx", row => new
            {
                Index = row.GetInt64(0), Format = row.GetInt32(1), Kind = row.GetInt32(2), Turn = row.GetInt32(3), Epoch = row.GetInt64(4), Time = $"{row.GetInt64(5)}",
                Skeleton = Hex(row, 6), PieceCount = row.IsDBNull(7) ? 0 : row.GetInt32(7), PiecesHash = row.IsDBNull(8) ? "" : Hex(row, 8), Hash = Hex(row, 9), Receipt = row.IsDBNull(10) ? null : row.GetString(10),
                Sealed = row.IsDBNull(11) ? "" : Hex(row, 11), Prompt = row.IsDBNull(12) ? "" : Hex(row, 12),
            }),
            Pieces = Rows($"SELECT turn, number, epoch, time, skeleton, sealed, hash FROM piece WHERE conversation_id = {head.Id} ORDER BY turn, number", row => new
            {
                Turn = row.GetInt32(0), Number = row.GetInt32(1), Epoch = row.GetInt64(2), Time = $"{row.GetInt64(3)}", Skeleton = Hex(row, 4), Sealed = Hex(row, 5), Hash = Hex(row, 6),
            }),
        }),
        Trees = Rows("SELECT id, tenant, origin, size, edge FROM tree ORDER BY id", row => (Id: row.GetInt64(0), Tenant: row.GetString(1), Origin: row.GetString(2), Size: row.GetInt64(3), Edge: Hex(row, 4))).Select(tree => new
        {
            tree.Tenant,
            tree.Origin,
            tree.Size,
            tree.Edge,
            Leaves = Rows($"SELECT number, kind, owner, idx FROM leaf WHERE tree = {tree.Id} ORDER BY number", row => new { Number = row.GetInt64(0), Kind = row.GetInt32(1), Owner = row.GetInt64(2), Index = row.GetInt64(3) }),
            Tiles = Rows($"SELECT level, number, hashes FROM tile WHERE tree = {tree.Id}", row => new { Level = row.GetInt32(0), Number = row.GetInt64(1), Hashes = Hex(row, 2) }),
            Checkpoints = Rows($"SELECT size, note FROM checkpoint WHERE tree = {tree.Id}", row => new { Size = row.GetInt64(0), Note = row.GetString(1) }),
        }),
        Administration = Rows("SELECT tenant FROM administration ORDER BY tenant", row => row.GetString(0)).Select(tenant => new
        {
            Tenant = tenant,
            Records = Rows($"SELECT idx, format, time, payload, hash FROM administrative_record WHERE tenant = '{tenant}' ORDER BY idx", row => new
            {
                Index = row.GetInt64(0), Format = row.GetInt32(1), Time = $"{row.GetInt64(2)}", Payload = Hex(row, 3), Hash = Hex(row, 4),
            }),
        }),
        Rotations = Rows("SELECT id, content FROM document WHERE tenant = '*' AND kind = 'signing-key' AND content IS NOT NULL", row => new { Id = row.GetString(0), Content = Hex(row, 1) }),
        Keys = withKeys ? new
        {
            Root = File.ReadAllText(Path.Combine(_folder.Path, KeyRing.RootKeyFileName)),
            Wrapped = Directory.EnumerateFiles(Path.Combine(_folder.Path, KeyRing.FolderName), "*-*", SearchOption.AllDirectories).Select(file => new
            {
                Tenant = Uri.UnescapeDataString(Path.GetRelativePath(Path.Combine(_folder.Path, KeyRing.FolderName), file).Split('/')[0]["tenant=".Length..]),
                Name = Path.GetFileName(file),
                Wrapped = Convert.ToHexStringLower(File.ReadAllBytes(file)),
            }),
        } : null,
        proofs.Inclusion,
        proofs.Consistency,
    }, JsonOptions);

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private List<T> Rows<T>(string sql, Func<SqliteDataReader, T> read)
    {
        using var connection = _folder.Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var row = command.ExecuteReader();
        var rows = new List<T>();
        while (row.Read())
            rows.Add(read(row));
        return rows;
    }

    private static string Hex(SqliteDataReader row, int column) => Convert.ToHexStringLower(row.Bytes(column));

    private static async Task<string> SecondAsync(string record)
    {
        using var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "Tree", "verify.mjs")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(record);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        var verdict = (await output).Trim();
        Assert.Equal(verdict == "VALID" ? 0 : 1, process.ExitCode);
        return verdict;
    }

    private sealed record Inclusion(string LeafHash, long Leaf, IReadOnlyList<string> Hashes, string Checkpoint, string Origin);

    private sealed record Consistency(long First, string FirstRoot, IReadOnlyList<string> Hashes, string Checkpoint, string Origin);

    private sealed record Proofs(IReadOnlyList<Inclusion> Inclusion, IReadOnlyList<Consistency> Consistency)
    {
        public static readonly Proofs None = new([], []);
    }
}
