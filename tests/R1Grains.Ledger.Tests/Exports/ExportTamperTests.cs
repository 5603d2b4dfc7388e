using System.Diagnostics;
using System.Text;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Exports;

/// <summary>What was done to an export is found, and named; by a second verifier, written from FORMAT.md in another language, too.</summary>
public sealed class ExportTamperTests(ExportTamperTests.Exported exported) : IClassFixture<ExportTamperTests.Exported>, IDisposable
{
    private readonly ExportFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Lines of c1: opened (1), turn 1 (2, 3), turn 2 with a piece (4 to 6), turn 3 with two (7 to 10), completed (11); of c2: opened (12), its turn (13 to 16).</summary>
    private static readonly Dictionary<string, (Action<ExportFolder> Change, string Verdict)> Cases = new()
    {
        ["a word of an answer"] = (Lines(lines => lines[9] = lines[9].Replace("第2句", "第9句", StringComparison.Ordinal)), "records.jsonl line 10 (tenants/demo/conversations/c1/turns/3 entry 6): its hash is"),
        ["a word of a piece"] = (Lines(lines => lines[8] = lines[8].Replace("第2句", "第9句", StringComparison.Ordinal)), "records.jsonl line 9 (tenants/demo/conversations/c1/turns/3 piece 2): its hash is"),
        ["a clear field"] = (Lines(lines => lines[1] = lines[1].Replace("\"model\":\"r1-tiny\"", "\"model\":\"r1-huge\"", StringComparison.Ordinal)), "records.jsonl line 2 (tenants/demo/conversations/c1/turns/1 entry 1): its hash is"),
        ["a time"] = (Lines(lines => lines[2] = lines[2].Replace("\"time\":\"2026-01-05", "\"time\":\"2026-01-06", StringComparison.Ordinal)), "records.jsonl line 3 (tenants/demo/conversations/c1/turns/1 entry 2): its hash is"),
        ["an answer and its hash, which the next entry names"] = (Lines(lines => Forge(lines, 2)), "records.jsonl line 4 (tenants/demo/conversations/c1/turns/2 entry 3): the entry before it is not the one that it names"),
        ["an answer and its hash, at a chain's end"] = (Lines(lines => Forge(lines, 15)), "records.jsonl line 16 (tenants/demo/conversations/c2 entry 2): its hash is"),
        ["a masked text"] = (Lines(lines => lines[1] = lines[1].Replace("**存款", "**贷款", StringComparison.Ordinal)), "records.jsonl: it is not the file that was exported"),
        ["whether a machine wrote it"] = (Lines(lines => lines[9] = lines[9].Replace("\"ai_generated\":true", "\"ai_generated\":null", StringComparison.Ordinal)), "records.jsonl: it is not the file that was exported"),
        ["swapped lines"] = (Lines(lines => (lines[7], lines[8]) = (lines[8], lines[7])), "records.jsonl line 8 (tenants/demo/conversations/c1/turns/3 piece 1): the piece is missing; piece 2 comes in its place"),
        ["swapped turns"] = (Lines(lines => { var turn = lines.GetRange(1, 2); lines.RemoveRange(1, 2); lines.InsertRange(4, turn); }), "records.jsonl line 5 (tenants/demo/conversations/c1/turns/1 entry 1): it comes after turn 2"),
        ["a line less"] = (Lines(lines => lines.RemoveAt(7)), "records.jsonl line 8 (tenants/demo/conversations/c1/turns/3 piece 1): the piece is missing"),
        ["a last piece less"] = (Lines(lines => lines.RemoveAt(8)), "records.jsonl line 9 (tenants/demo/conversations/c1/turns/3 piece 2 entry 6): the turn has 2 pieces, and there are 1"),
        ["a turn less"] = (Lines(lines => lines.RemoveRange(3, 3)), "records.jsonl (tenants/demo/conversations/c1 entry 3): the entry is missing"),
        ["a conversation less"] = (Lines(lines => lines.RemoveRange(0, 11)), "records.jsonl (tenants/demo/conversations/c1 entry 0): the entry is missing"),
        ["a turn's end less"] = (Lines(lines => lines.RemoveAt(2)), "records.jsonl line 3 (tenants/demo/conversations/c1/turns/2 entry 3): the end of turn 1 is missing"),
        ["the last line less"] = (Lines(lines => lines.RemoveAt(15)), "records.jsonl line 15 (tenants/demo/conversations/c2/turns/1): the turn's end is missing"),
        ["a line twice"] = (Lines(lines => lines.Insert(2, lines[1])), "records.jsonl line 3 (tenants/demo/conversations/c1/turns/1 entry 1): the end of turn 1 is missing"),
        ["a conversation twice"] = (Lines(lines => lines.AddRange(lines[11..])), "records.jsonl line 17 (tenants/demo/conversations/c2 entry 0): leaf"),
        ["a cut line"] = (folder => Cut(folder.Records, 20), "records.jsonl line 16 (tenants/demo/conversations/c2/turns/1 piece 2): the file ends within the line"),
        ["an empty file"] = (folder => Cut(folder.Records, int.MaxValue), "records.jsonl (tenants/demo/conversations/c1 entry 0): the entry is missing"),
        ["no records"] = (folder => File.Delete(folder.Records), "records.jsonl: the file is missing"),
        ["no proof"] = (folder => File.Delete(folder.In(ExportManifest.ProofName)), "proof.jsonl: the file is missing"),
        ["no signature"] = (folder => File.Delete(folder.In(ExportManifest.NoteName)), "manifest.note: there is no manifest.note in"),
        ["a proof's hash"] = (folder => folder.ChangeLines(ExportManifest.ProofName, lines => { var node = lines.FindIndex(line => line.StartsWith("{\"node\"", StringComparison.Ordinal)); lines[node] = lines[node][..^3] + (lines[node][^3] == '0' ? '1' : '0') + "\"}"; }), "proof.jsonl: the records and it give the root"),
        ["a proof without a node"] = (folder => folder.ChangeLines(ExportManifest.ProofName, lines => lines.RemoveAt(lines.FindIndex(line => line.StartsWith("{\"node\"", StringComparison.Ordinal)))), "proof.jsonl"),
        ["a proof without an entry"] = (folder => folder.ChangeLines(ExportManifest.ProofName, lines => lines.RemoveAt(0)), "records.jsonl line 1 (tenants/demo/conversations/c1 entry 0): nothing proves that it stands in the tree"),
        ["a leaf's number"] = (Lines(lines => lines[11] = System.Text.RegularExpressions.Regex.Replace(lines[11], "\"leaf\":[0-9]+", "\"leaf\":99999")), "records.jsonl line 12 (tenants/demo/conversations/c2 entry 0): its leaf is 99999"),
        ["another tenant's name"] = (folder => folder.Change(ExportManifest.FileName, text => text.Replace("\"tenant\": \"demo\"", "\"tenant\": \"other\"", StringComparison.Ordinal)), "manifest.json (checkpoint): it is one of 'r1grains/demo', and the records are of tenant 'other'"),
        ["a purpose"] = (folder => folder.Change(ExportManifest.FileName, text => text.Replace("4711", "4712", StringComparison.Ordinal)), "manifest.note: it was signed over another manifest.json"),
        ["a count"] = (folder => folder.Change(ExportManifest.FileName, text => text.Replace("\"turns\": 4", "\"turns\": 5", StringComparison.Ordinal)), "manifest.note: it was signed over another manifest.json"),
        ["text that is no JSON"] = (Lines(lines => lines[4] = "hello"), "records.jsonl line 5 (tenants/demo/conversations/c1/turns/2 entry 3): it cannot be read at byte 1"),
        ["a member more"] = (Lines(lines => lines[4] = lines[4][..^1] + ",\"x\":1}"), "records.jsonl line 5 (tenants/demo/conversations/c1/turns/2 piece 1): it cannot be read at byte"),
        ["a byte order mark"] = (folder => File.WriteAllBytes(folder.Records, [0xEF, 0xBB, 0xBF, .. File.ReadAllBytes(folder.Records)]), "records.jsonl line 1: it cannot be read at byte 1"),
    };

    public static IEnumerable<object[]> Names => Cases.Keys.Select(name => (object[])[name]);

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_was_changed_is_named(string name)
    {
        await WriteAsync();
        var (change, verdict) = Cases[name];
        var before = Snapshot();
        change(_folder);
        Assert.NotEqual(before, Snapshot());
        var report = await ExportVerifier.VerifyAsync(_folder.Path, [Key]);
        Assert.StartsWith(verdict, $"{report.FirstBad}", StringComparison.Ordinal);
        Assert.StartsWith("INVALID", await SecondAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_verifiers_agree_on_what_is_true()
    {
        foreach (var view in (string[])["REDACTED", "FULL", "REASONING"])
        {
            await WriteAsync(view);
            Assert.Null((await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad);
            Assert.StartsWith("VALID", await SecondAsync(), StringComparison.Ordinal);
        }
    }

    /// <summary>Wherever a bit is turned: nobody may be told that all is well, or get anything but a verdict.</summary>
    [Fact]
    public async Task No_flipped_bit_goes_unnoticed()
    {
        await WriteAsync();
        var random = new Random(6);
        foreach (var name in (string[])[ExportManifest.RecordsName, ExportManifest.ProofName, ExportManifest.FileName, ExportManifest.NoteName])
        {
            var bytes = await File.ReadAllBytesAsync(_folder.In(name));
            for (var i = 0; i < 150; i++)
            {
                var (at, bit) = (random.Next(bytes.Length), (byte)(1 << random.Next(8)));
                bytes[at] ^= bit;
                await File.WriteAllBytesAsync(_folder.In(name), bytes);
                bytes[at] ^= bit;
                try
                {
                    Assert.False((await ExportVerifier.VerifyAsync(_folder.Path, [Key])).Valid, $"{name} byte {at} bit {bit}");
                }
                catch (ExportException) when (name == ExportManifest.FileName)
                {
                    // What is no manifest any more is no export.
                }
            }
            await File.WriteAllBytesAsync(_folder.In(name), bytes);
        }
        Assert.True((await ExportVerifier.VerifyAsync(_folder.Path, [Key])).Valid);
    }

    [Fact]
    public async Task Another_key_and_another_trees_checkpoint_are_refused()
    {
        await WriteAsync();
        using var other = NoteSigner.Generate();
        using var otherKey = NoteKey.FromPem(other.PublicPem);
        Assert.StartsWith("manifest.json (checkpoint): it is not signed with the key given", $"{(await ExportVerifier.VerifyAsync(_folder.Path, [otherKey])).FirstBad}", StringComparison.Ordinal);

        // Everything signed anew by somebody else, with their key in the manifest: true to itself, and to nobody who has the key.
        var manifest = ExportManifest.Parse(await File.ReadAllBytesAsync(_folder.In(ExportManifest.FileName)));
        var identity = new LogIdentity("r1grains", other);
        var forged = manifest with { Key = other.PublicPem, Checkpoint = identity.Sign(Checkpoint.Parse(SignedNote.Parse(manifest.Checkpoint).Text)).ToString() };
        await SignAsync(forged, other);
        Assert.True((await ExportVerifier.VerifyAsync(_folder.Path)).Valid);
        Assert.StartsWith("manifest.json (checkpoint): it is not signed with the key given", $"{(await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad}", StringComparison.Ordinal);

        // A checkpoint of the same tree with another root, signed with the right key.
        using var own = NoteSigner.Read(Path.Combine(exported.Folder.Path, SqliteRecord.KeyFileName));
        var checkpoint = Checkpoint.Parse(SignedNote.Parse(manifest.Checkpoint).Text);
        await SignAsync(manifest with { Checkpoint = new LogIdentity("r1grains", own).Sign(checkpoint with { Root = Digest.Of("fork"u8) }).ToString() }, own);
        Assert.StartsWith("proof.jsonl: the records and it give the root", $"{(await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_no_export_is_told_in_a_line()
    {
        Assert.StartsWith("there is no manifest.json in", await RefusalAsync(), StringComparison.Ordinal);
        await File.WriteAllTextAsync(_folder.Records, "");
        Assert.Contains("holds an export that was not finished", await RefusalAsync(), StringComparison.Ordinal);
        foreach (var (text, why) in ((string, string)[])[("", "it cannot be read"), ("[]", "it cannot be read"), ("null", "it is null"), ("{\"format\": 1}", "it cannot be read"), (new string(' ', ExportManifest.LengthMax + 1), "no manifest.json has more than")])
        {
            await File.WriteAllTextAsync(_folder.In(ExportManifest.FileName), text);
            Assert.Contains(why, await RefusalAsync(), StringComparison.Ordinal);
        }
        Directory.Delete(_folder.Path, recursive: true);
        Assert.StartsWith("there is no folder", await RefusalAsync(), StringComparison.Ordinal);
        Directory.CreateDirectory(_folder.Path);
    }

    [Fact]
    public async Task A_line_without_end_is_refused_without_being_read()
    {
        await WriteAsync();
        // Two gigabytes, of which the disk holds nothing.
        await using (var file = new FileStream(_folder.Records, FileMode.Append))
            file.SetLength(2L << 30);
        var before = GC.GetTotalAllocatedBytes();
        Assert.StartsWith("records.jsonl line 17 (tenants/demo/conversations/c2/turns/1 entry 2): the line is longer than 16 MiB", $"{(await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad}", StringComparison.Ordinal);
        Assert.True(GC.GetTotalAllocatedBytes() - before < 64 << 20);
    }

    [Fact]
    public async Task Texts_of_any_kind_come_through()
    {
        var record = exported.Record;
        var key = Samples.Key("c3");
        var epoch = await record.Begin(key);
        var text = "=cmd|' /C'!A0 \" \\ \n\r\t \0 \u0001 </script> 😀 e\u0301 \u2028";
        await record.AppendAsync(Samples.Turn(key, 1, epoch) with { Input = text, Passages = [new(text.Replace("\0", "", StringComparison.Ordinal), "", text)], Hits = [], Disclosure = null, Numerics = null }, Samples.Prompt);
        await record.AppendAsync(Samples.Piece(key, 1, 1, epoch, text));
        await record.AppendAsync(Samples.Closed(key, 1, epoch, 1, text) with { ResumePoints = [], Error = text, CancelledBy = "\"", Held = null, FirstTokenTime = null, Outcome = Outcome.Failed });
        await WriteAsync("REASONING", [new("c3", [1])]);
        Assert.Null((await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad);
        Assert.StartsWith("VALID", await SecondAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_and_a_page_follow_from_the_records_and_whatever_is_changed_in_them_is_named()
    {
        var record = exported.Record;
        var key = Samples.Key("c4");
        var epoch = await record.Begin(key);
        const string Text = "=HYPERLINK(\"http://x\") <script>alert(1)</script> \u202Ereversed \"quoted\", 年费？";
        await record.AppendAsync(Samples.Turn(key, 1, epoch) with { Input = Text }, Samples.Prompt);
        await record.AppendAsync(Samples.Piece(key, 1, 1, epoch, Text) with { ResumePoints = [] });
        await record.AppendAsync(Samples.Closed(key, 1, epoch, 1, Text) with { ResumePoints = [] });
        await WriteAsync("FULL", [new("c1", [1]), new("c4", [1])]);
        ExportRendering.Write(_folder.Path, ExportFormat.Csv);
        ExportRendering.Write(_folder.Path, ExportFormat.Html);
        Assert.Null((await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad);

        var table = await File.ReadAllTextAsync(_folder.In(ExportRendering.CsvName));
        Assert.Equal([0xEF, 0xBB, 0xBF], (await File.ReadAllBytesAsync(_folder.In(ExportRendering.CsvName)))[..3]);
        Assert.Contains("\"'=HYPERLINK(\"\"http://x\"\") <script>", table, StringComparison.Ordinal);
        Assert.DoesNotContain("\"=", table, StringComparison.Ordinal);
        var page = await File.ReadAllTextAsync(_folder.In(ExportRendering.HtmlName));
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt; \\u202ereversed &quot;quoted&quot;, 年费？", page, StringComparison.Ordinal);
        Assert.Contains("回答（人工智能生成） Answer (AI-generated)", page, StringComparison.Ordinal);
        foreach (var outside in (string[])["<script", "src=", "href=", "url(", "@import", "\u202E"])
            Assert.DoesNotContain(outside, page, StringComparison.Ordinal);

        foreach (var (name, from, to, line) in ((string, string, string, int)[])[(ExportRendering.CsvName, "年费？", "年息？", 3), (ExportRendering.HtmlName, "年费？", "年息？", 0), (ExportRendering.CsvName, "\r\n", "\r\n\"\"\r\n", 2)])
        {
            var before = await File.ReadAllTextAsync(_folder.In(name));
            _folder.Change(name, text => (name == ExportRendering.CsvName ? "\uFEFF" : "") + text.Replace(from, to, StringComparison.Ordinal));
            var fault = (await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad!;
            Assert.Equal((name, "it is not what follows from records.jsonl"), (fault.File, fault.Reason));
            Assert.True(line == 0 || fault.Line == line, $"{fault}");
            _folder.Change(name, _ => (name == ExportRendering.CsvName ? "\uFEFF" : "") + before);
            Assert.Null((await ExportVerifier.VerifyAsync(_folder.Path, [Key])).FirstBad);
        }
    }

    [Fact]
    public async Task Whoever_has_a_key_that_was_replaced_is_led_to_the_one_that_signs()
    {
        await WriteAsync();
        var manifest = ExportManifest.Parse(await File.ReadAllBytesAsync(_folder.In(ExportManifest.FileName)));
        using var first = NoteSigner.Read(Path.Combine(exported.Folder.Path, SqliteRecord.KeyFileName));
        using var second = NoteSigner.Generate();
        using var third = NoteSigner.Generate();
        byte[][] rotations = [Rotation(2, first, second), Rotation(3, second, third)];
        await SignAnewAsync(third, rotations);
        foreach (var given in (NoteSigner[])[first, second, third])
        {
            using var key = NoteKey.FromPem(given.PublicPem);
            var report = await ExportVerifier.VerifyAsync(_folder.Path, [key]);
            Assert.Equal((null, third.Id), (report.FirstBad, report.Signer));
            Assert.StartsWith("VALID", await SecondAsync(given), StringComparison.Ordinal);
        }
        Assert.True((await ExportVerifier.VerifyAsync(_folder.Path)).Valid);

        using var stranger = NoteSigner.Generate();
        foreach (var (signer, given, others, verdict) in ((NoteSigner, NoteSigner, byte[][]?, string)[])
        [
            (third, stranger, rotations, $"manifest.json (checkpoint): it is not signed with the key given, nor with one that its rotations lead to, but with {third.Id:x8}"),
            (third, first, null, "manifest.json (checkpoint): it is not signed with the key given"),
            (third, first, [rotations[0]], "manifest.json (checkpoint): it is not signed with the key given"),
            (third, first, [rotations[1]], "manifest.json (rotations): the signing-key '2' cannot be followed"),
            (third, first, [rotations[0], Rotation(3, first, third)], "manifest.json (rotations): the signing-key '3' goes on from another key"),
            (third, first, [rotations[0], [.. rotations[1][..^1], 1]], "manifest.json (rotations): the signing-key '3' cannot be followed"),
            // Whoever has stolen a key that was replaced.
            (first, second, rotations, $"manifest.json (checkpoint): it is signed with the key {first.Id:x8}, which was replaced and signs nothing that comes after"),
            (second, third, rotations, $"manifest.json (checkpoint): it is signed with the key {second.Id:x8}, which was replaced and signs nothing that comes after"),
            (second, first, rotations, $"manifest.json (checkpoint): it is signed with the key {second.Id:x8}, which was replaced and signs nothing that comes after"),
        ])
        {
            await SignAnewAsync(signer, others);
            using var key = NoteKey.FromPem(given.PublicPem);
            Assert.StartsWith(verdict, $"{(await ExportVerifier.VerifyAsync(_folder.Path, [key])).FirstBad}", StringComparison.Ordinal);
            Assert.StartsWith("INVALID", await SecondAsync(given), StringComparison.Ordinal);
        }

        byte[] Rotation(int version, NoteSigner before, NoteSigner after) => SigningRotation.Sign("r1grains/%2A", version, before, after, Samples.Start).Encode();

        Task SignAnewAsync(NoteSigner signer, byte[][]? rotations) => SignAsync(
            manifest with { Key = signer.PublicPem, Checkpoint = signer.Note(SignedNote.Parse(manifest.Checkpoint).Text, "r1grains/demo").ToString(), Rotations = rotations }, signer);
    }

    private NoteKey Key => NoteKey.FromPem(File.ReadAllText(exported.KeyFile));

    private async Task WriteAsync(string view = "REDACTED", IReadOnlyList<SelectedConversation>? selection = null)
    {
        foreach (var file in Directory.EnumerateFiles(_folder.Path))
            File.Delete(file);
        await _folder.WriteAsync(await ExportFolder.StreamAsync(exported.Record, view, selection));
    }

    private async Task SignAsync(ExportManifest manifest, NoteSigner signer)
    {
        var bytes = manifest.ToBytes();
        await File.WriteAllBytesAsync(_folder.In(ExportManifest.FileName), bytes);
        await File.WriteAllTextAsync(_folder.In(ExportManifest.NoteName), signer.Note(ExportManifest.NoteText("r1grains/demo", manifest.Export, Digest.Of(bytes)), "r1grains/demo").ToString());
    }

    private async Task<string> RefusalAsync() => (await Assert.ThrowsAsync<ExportException>(() => ExportVerifier.VerifyAsync(_folder.Path, [Key]))).Message;

    private string Snapshot() => string.Join('\n', Directory.EnumerateFiles(_folder.Path).Order().Select(file => $"{Path.GetFileName(file)} {Digest.Of(File.ReadAllBytes(file))}"));

    private static Action<ExportFolder> Lines(Action<List<string>> change) => folder => folder.ChangeLines(ExportManifest.RecordsName, change);

    private static void Cut(string path, int bytes)
    {
        using var file = new FileStream(path, FileMode.Open);
        file.SetLength(Math.Max(0, file.Length - bytes));
    }

    /// <summary>Changes a turn's end and makes its hash the one that follows.</summary>
    private static void Forge(List<string> lines, int at)
    {
        lines[at] = lines[at].Replace("\"finish_reason\":\"stop\"", "\"finish_reason\":\"none\"", StringComparison.Ordinal);
        var buffer = Encoding.UTF8.GetBytes(string.Concat(lines.Take(at + 1).Select(line => line + "\n")));
        var walk = new RecordsWalk("demo");
        var start = 0;
        for (var number = 0; number < at; number++)
        {
            var end = Array.IndexOf(buffer, (byte)'\n', start);
            walk.Check(buffer, start, end, number + 1);
            start = end + 1;
        }
        var reason = Assert.Throws<InvalidDataException>(() => walk.Check(buffer, start, buffer.Length - 1, at + 1)).Message;
        lines[at] = lines[at].Replace(reason[12..76], reason[^64..], StringComparison.Ordinal);
    }

    private async Task<string> SecondAsync(NoteSigner? given = null)
    {
        var keyFile = given is null ? exported.KeyFile : _folder.In("given.pub");
        if (given is not null)
            await File.WriteAllTextAsync(keyFile, given.PublicPem);
        using var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(AppContext.BaseDirectory, "Exports", "export.mjs"), _folder.Path, keyFile]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        var verdict = (await output).Trim();
        Assert.Equal(verdict.StartsWith("VALID", StringComparison.Ordinal) ? 0 : 1, process.ExitCode);
        return verdict;
    }

    /// <summary>A record that all of these tests export.</summary>
    public sealed class Exported : IAsyncLifetime
    {
        internal RecordFolder Folder { get; } = new();

        public string KeyFile => Path.Combine(Folder.Path, SqliteRecord.KeyFileName + ".pub");

        public IRecord Record { get; private set; } = null!;

        public async Task InitializeAsync() => await ExportedRecord.WriteAsync(Record = await Folder.OpenAsync());

        public async Task DisposeAsync()
        {
            await Record.DisposeAsync();
            Folder.Dispose();
        }
    }
}
