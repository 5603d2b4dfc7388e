using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
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
        "UPDATE entry SET payload = CAST(substr(payload, 1, length(payload) - 1) || x'7f' AS BLOB) WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET time = time + 1 WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET epoch = 9 WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET format = 1 WHERE conversation_id = 1 AND idx = 4",
        "UPDATE entry SET hash = (SELECT e.hash FROM entry e WHERE e.conversation_id = 1 AND e.idx = 5) WHERE conversation_id = 1 AND idx = 4",
        "DELETE FROM entry WHERE conversation_id = 1 AND idx = 3",
        "UPDATE entry SET receipt = (SELECT e.receipt FROM entry e WHERE e.conversation_id = 1 AND e.idx = 4) WHERE conversation_id = 1 AND idx = 2",
        "UPDATE piece SET text = CAST('你好' AS BLOB) WHERE conversation_id = 1 AND turn = 2",
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

    private string Dump(Proofs proofs) => JsonSerializer.Serialize(new
    {
        Key = File.ReadAllText(Path.Combine(_folder.Path, SqliteRecord.KeyFileName + ".pub")),
        Conversations = Rows("SELECT id, tenant, name FROM conversation_head ORDER BY id", row => (Id: row.GetInt64(0), Tenant: row.GetString(1), Name: row.GetString(2))).Select(head => new
        {
            head.Id,
            head.Tenant,
            head.Name,
            Entries = Rows($"SELECT idx, format, kind, turn, epoch, time, payload, piece_count, pieces_hash, hash, receipt FROM entry WHERE conversation_id = {head.Id} ORDER BY idx", row => new
            {
                Index = row.GetInt64(0), Format = row.GetInt32(1), Kind = row.GetInt32(2), Turn = row.GetInt32(3), Epoch = row.GetInt64(4), Time = $"{row.GetInt64(5)}",
                Payload = Hex(row, 6), PieceCount = row.IsDBNull(7) ? 0 : row.GetInt32(7), PiecesHash = row.IsDBNull(8) ? "" : Hex(row, 8), Hash = Hex(row, 9), Receipt = row.IsDBNull(10) ? null : row.GetString(10),
            }),
            Pieces = Rows($"SELECT turn, number, epoch, time, token_ids, text, resume_points, hash FROM piece WHERE conversation_id = {head.Id} ORDER BY turn, number", row => new
            {
                Turn = row.GetInt32(0), Number = row.GetInt32(1), Epoch = row.GetInt64(2), Time = $"{row.GetInt64(3)}", TokenIds = Hex(row, 4), Text = Hex(row, 5), ResumePoints = Hex(row, 6), Hash = Hex(row, 7),
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
