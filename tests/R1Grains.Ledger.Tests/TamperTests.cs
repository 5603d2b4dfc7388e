using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests;

/// <summary>
/// Changes a record behind its back and looks for what the verifier says. The record has conversations c1, c2, c3 with
/// numbers 1 to 3; each has two closed turns of four pieces; c1 is completed, c2 has a third turn open with two pieces.
/// </summary>
public sealed class TamperTests : IDisposable
{
    private readonly RecordFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>What is done to the file, and the bad record that must be named.</summary>
    public static TheoryData<string, string, string> Cases => new()
    {
        // Every column of an entry.
        { "entry: index raised", "UPDATE entry SET idx = 9 WHERE conversation_id = 1 AND idx = 2", "c1//2/ missing" },
        { "entry: format", "UPDATE entry SET format = 5 WHERE conversation_id = 1 AND idx = 2", "c1//2/ its format is 5, this program knows 4" },
        { "entry: format of earlier programs", "UPDATE entry SET format = 3 WHERE conversation_id = 1 AND idx = 2", "c1//2/ its format is 3, this program knows 4" },
        { "entry: kind", "UPDATE entry SET kind = 4, turn = 0 WHERE conversation_id = 2 AND idx = 4", "c2//4/ turn 2 is open" },
        { "entry: unknown kind", "UPDATE entry SET kind = 77 WHERE conversation_id = 1 AND idx = 5", "c1//5/ unknown" },
        { "entry: turn", "UPDATE entry SET turn = 7 WHERE conversation_id = 1 AND idx = 3", "c1/7/3/ turn 7" },
        { "entry: epoch lowered", "UPDATE entry SET epoch = 0 WHERE conversation_id = 1 AND idx = 3", "c1/2/3/ epoch" },
        { "entry: epoch raised", "UPDATE entry SET epoch = 99 WHERE conversation_id = 1 AND idx = 3", "c1/2/3/ epoch" },
        { "entry: turn beyond 32 bits", "UPDATE entry SET turn = turn + 4294967296 WHERE conversation_id = 1 AND idx = 3", "c1//3/ 32 bits" },
        { "entry: re-dated", "UPDATE entry SET time = time - 86400000000 WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: dated beyond time", "UPDATE entry SET time = 9223372036854775807 WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: request id", "UPDATE entry SET request_id = 'turn-9' WHERE conversation_id = 1 AND idx = 3", "c1/2/3/ request id" },
        { "entry: request id taken away", "UPDATE entry SET request_id = NULL WHERE conversation_id = 1 AND idx = 3", "c1/2/3/" },
        { "entry: request id added", "UPDATE entry SET request_id = 'x' WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ request id" },
        { "entry: piece count", "UPDATE entry SET piece_count = 3 WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: pieces hash", $"UPDATE entry SET pieces_hash = {Flipped("pieces_hash")} WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: pieces hash too short", "UPDATE entry SET pieces_hash = x'00' WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ 32 bytes" },
        { "entry: hash", $"UPDATE entry SET hash = {Flipped("hash")} WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: skeleton, first byte", $"UPDATE entry SET skeleton = {Flipped("skeleton")} WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: skeleton, last byte", "UPDATE entry SET skeleton = CAST(substr(skeleton, 1, length(skeleton) - 1) || x'7f' AS BLOB) WHERE conversation_id = 1 AND idx = 4", "c1/2/4/ hash" },
        { "entry: skeleton of the opening", $"UPDATE entry SET skeleton = {Flipped("skeleton")} WHERE conversation_id = 3 AND idx = 0", "c3//0/ hash" },
        { "entry: sealed fields", $"UPDATE entry SET sealed = {Flipped("sealed")} WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ sealed" },
        { "entry: sealed fields of the opening", $"UPDATE entry SET sealed = {Flipped("sealed")} WHERE conversation_id = 3 AND idx = 0", "c3//0/ sealed" },
        { "entry: sealed fields of another turn", "UPDATE entry SET sealed = (SELECT e.sealed FROM entry e WHERE e.conversation_id = 1 AND e.idx = 4) WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ sealed" },
        { "entry: sealed fields taken away", "UPDATE entry SET sealed = NULL WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ no sealed fields" },
        { "entry: sealed fields added", "UPDATE entry SET sealed = x'00' WHERE conversation_id = 1 AND idx = 5", "c1//5/ sealed fields" },
        { "entry: prompt", $"UPDATE entry SET prompt = {Flipped("prompt")} WHERE conversation_id = 1 AND idx = 3", "c1/2/3/ prompt" },
        { "entry: prompt cut", "UPDATE entry SET prompt = substr(prompt, 1, 8) WHERE conversation_id = 1 AND idx = 3", "c1/2/3/ prompt" },

        { "entry: receipt no line", "UPDATE entry SET receipt = 'x' WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ receipt" },
        { "entry: receipt of another turn", "UPDATE entry SET receipt = (SELECT e.receipt FROM entry e WHERE e.conversation_id = 1 AND e.idx = 4) WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ receipt is not signed" },
        { "entry: receipt of another tenant", "UPDATE entry SET receipt = replace(receipt, 'demo', 'other') WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ receipt is not signed" },
        { "entry: receipt where none belongs", "UPDATE entry SET receipt = (SELECT e.receipt FROM entry e WHERE e.conversation_id = 1 AND e.idx = 2) WHERE conversation_id = 1 AND idx = 1", "c1/1/1/ has a receipt" },

        // Whole entries.
        { "entry: head of the chain deleted", "DELETE FROM entry WHERE conversation_id = 1 AND idx = 0", "c1//0/ missing" },
        { "entry: middle deleted", "DELETE FROM entry WHERE conversation_id = 1 AND idx = 2", "c1//2/ missing" },
        { "entry: tail deleted", "DELETE FROM entry WHERE conversation_id = 1 AND idx = 5", "c1//5/ missing" },
        { "entry: all deleted", "DELETE FROM entry WHERE conversation_id = 1", "c1//0/ missing" },
        { "entry: middle deleted and the rest renumbered", "DELETE FROM entry WHERE conversation_id = 1 AND turn = 1; UPDATE entry SET idx = idx + 100 WHERE conversation_id = 1 AND idx > 2; UPDATE entry SET idx = idx - 102 WHERE conversation_id = 1 AND idx > 100", "c1/2/1/ turn 2" },
        { "entry: swapped with its like of another conversation", "UPDATE entry SET conversation_id = 99 WHERE conversation_id = 1 AND idx = 2; UPDATE entry SET conversation_id = 1 WHERE conversation_id = 3 AND idx = 2; UPDATE entry SET conversation_id = 3 WHERE conversation_id = 99", "c1/1/2/ hash" },
        { "entry: two swapped", "UPDATE entry SET idx = 99 WHERE conversation_id = 1 AND idx = 1; UPDATE entry SET idx = 1 WHERE conversation_id = 1 AND idx = 3; UPDATE entry SET idx = 3 WHERE conversation_id = 1 AND idx = 99", "c1/2/1/ turn 2" },
        { "entry: close replaced by another turn's", "UPDATE entry SET (time, skeleton, sealed, piece_count, pieces_hash, hash) = (SELECT time, skeleton, sealed, piece_count, pieces_hash, hash FROM entry WHERE conversation_id = 1 AND idx = 4) WHERE conversation_id = 1 AND idx = 2", "c1/1/2/ hash" },
        { "entry: one inserted at the end", "INSERT INTO entry (conversation_id, idx, format, kind, turn, epoch, time, request_id, piece_count, pieces_hash, hash, skeleton, sealed, prompt) SELECT conversation_id, 6, format, kind, 3, epoch, time, 'turn-3', NULL, NULL, hash, skeleton, sealed, prompt FROM entry WHERE conversation_id = 3 AND idx = 3; UPDATE entry SET idx = 5 WHERE conversation_id = 3 AND idx = 6", "c3/3/5/ hash" },
        { "entry: moved to a conversation that is not", "UPDATE entry SET conversation_id = 50 WHERE conversation_id = 1 AND idx = 5", "c1//5/ missing" },
        { "entry: stray", "INSERT INTO entry (conversation_id, idx, format, kind, turn, epoch, time, request_id, piece_count, pieces_hash, hash, skeleton, sealed, prompt) SELECT 50, idx, format, kind, turn, epoch, time, request_id, piece_count, pieces_hash, hash, skeleton, sealed, prompt FROM entry WHERE conversation_id = 1", "/// table entry has rows of conversation number 50" },

        // Every column of a piece.
        { "piece: turn", "UPDATE piece SET turn = 7 WHERE conversation_id = 1 AND turn = 1 AND number = 4", "c1/1//4 4 pieces" },
        { "piece: turn before the first", "UPDATE piece SET turn = 0 WHERE conversation_id = 1 AND turn = 1 AND number = 4", "c1/0//4 no turn" },
        { "piece: number", "UPDATE piece SET number = 9 WHERE conversation_id = 1 AND turn = 1 AND number = 2", "c1/1//2 missing" },
        { "piece: epoch", "UPDATE piece SET epoch = 2 WHERE conversation_id = 2 AND turn = 3 AND number = 1", "c2/3//1 hash" },
        { "piece: epoch never handed out", "UPDATE piece SET epoch = 99 WHERE conversation_id = 1 AND turn = 1 AND number = 2", "c1/1//2 epoch" },
        { "piece: re-dated", "UPDATE piece SET time = time + 1 WHERE conversation_id = 1 AND turn = 1 AND number = 2", "c1/1//2 hash" },
        { "piece: skeleton", $"UPDATE piece SET skeleton = {Flipped("skeleton")} WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 hash" },
        { "piece: skeleton cut", "UPDATE piece SET skeleton = substr(skeleton, 1, 40) WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 hash" },
        { "piece: sealed fields", $"UPDATE piece SET sealed = {Flipped("sealed")} WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 sealed" },
        { "piece: sealed fields cut", "UPDATE piece SET sealed = substr(sealed, 1, 9) WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 sealed" },
        { "piece: sealed fields of its neighbour", "UPDATE piece SET sealed = (SELECT p.sealed FROM piece p WHERE p.conversation_id = 1 AND p.turn = 2 AND p.number = 2) WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 sealed" },
        { "piece: resume points taken away", "UPDATE piece SET skeleton = CAST(substr(skeleton, 1, 64) || x'00000000' || substr(skeleton, 105) AS BLOB) WHERE conversation_id = 1 AND turn = 2 AND number = 2", "c1/2//2 hash" },
        { "piece: hash", $"UPDATE piece SET hash = {Flipped("hash")} WHERE conversation_id = 1 AND turn = 2 AND number = 3", "c1/2//3 hash" },

        // Whole pieces.
        { "piece: head deleted", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 1", "c1/2//1 missing" },
        { "piece: middle deleted", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 2", "c1/2//2 missing" },
        { "piece: tail deleted", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 4", "c1/2//4 holds 3" },
        { "piece: all of a turn deleted", "DELETE FROM piece WHERE conversation_id = 1 AND turn = 2", "c1/2//1 holds 0" },
        { "piece: tail of an open turn deleted", "DELETE FROM piece WHERE conversation_id = 2 AND turn = 3 AND number = 2", "c2/3//2 missing" },
        { "piece: two swapped", "UPDATE piece SET number = 99 WHERE conversation_id = 1 AND turn = 2 AND number = 1; UPDATE piece SET number = 1 WHERE conversation_id = 1 AND turn = 2 AND number = 2; UPDATE piece SET number = 2 WHERE conversation_id = 1 AND turn = 2 AND number = 99", "c1/2//1 hash" },
        { "piece: taken from another conversation", "UPDATE piece SET (skeleton, sealed, hash) = (SELECT skeleton, sealed, hash FROM piece WHERE conversation_id = 3 AND turn = 1 AND number = 1) WHERE conversation_id = 1 AND turn = 1 AND number = 1", "c1/1//1 hash" },
        { "piece: one added", "INSERT INTO piece SELECT conversation_id, turn, 5, epoch, time, skeleton, sealed, hash FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 4", "c1/2//5 hash" },
        { "piece: of a turn that is not", "INSERT INTO piece SELECT conversation_id, 8, number, epoch, time, skeleton, sealed, hash FROM piece WHERE conversation_id = 1 AND turn = 2 AND number = 1", "c1/8//1 no turn" },
        { "piece: stray", "INSERT INTO piece SELECT 50, turn, number, epoch, time, skeleton, sealed, hash FROM piece WHERE conversation_id = 1", "/// table piece has rows of conversation number 50" },

        // Every column of a head.
        { "head: conversation number", "UPDATE conversation_head SET id = 9 WHERE id = 2", "/// number 2 is missing" },
        { "head: tenant", "UPDATE conversation_head SET tenant = 'other' WHERE id = 2", "c2//0/ hash" },
        { "head: name", "UPDATE conversation_head SET name = 'c9' WHERE id = 2", "c9//0/ hash" },
        { "head: caller", "UPDATE conversation_head SET caller = 'eve' WHERE id = 2", "c2//0/ 'eve' created it" },
        { "head: request id", "UPDATE conversation_head SET request_id = 'create-c9' WHERE id = 2", "c2//0/ request id 'create-c9'" },
        { "head: data key", $"UPDATE conversation_head SET data_key = {Flipped("data_key")} WHERE id = 2", "c2//0/ another data key" },
        { "head: customer", "UPDATE conversation_head SET customer = pieces_hash WHERE id = 2", "c2//0/ another data key or customer" },
        { "head: customer taken away", "UPDATE conversation_head SET customer = NULL WHERE id = 2", "c2//0/ another data key or customer" },
        { "head: epoch lowered", "UPDATE conversation_head SET epoch = 0 WHERE id = 2", "c2/1/1/ epoch" },
        { "head: next index", "UPDATE conversation_head SET next_index = 5 WHERE id = 1", "c1/// next index" },
        { "head: next turn", "UPDATE conversation_head SET next_turn = 4 WHERE id = 1", "c1/// next turn" },
        { "head: next piece", "UPDATE conversation_head SET next_piece = 2 WHERE id = 2", "c2/// next piece" },
        { "head: last hash", $"UPDATE conversation_head SET last_hash = {Flipped("last_hash")} WHERE id = 2", "c2/// last hash" },
        { "head: pieces hash", $"UPDATE conversation_head SET pieces_hash = {Flipped("pieces_hash")} WHERE id = 2", "c2/// pieces hash" },
        { "head: open turn hidden", "UPDATE conversation_head SET deadline = NULL WHERE id = 2", "c2/// deadline" },
        { "head: open turn invented", "UPDATE conversation_head SET deadline = 5 WHERE id = 3", "c3/// deadline" },
        { "head: idle timeout", "UPDATE conversation_head SET idle_timeout = 1 WHERE id = 3", "c3/// idle timeout" },
        { "head: last activity", "UPDATE conversation_head SET last_activity = 1 WHERE id = 3", "c3/// last activity" },
        { "head: completed", "UPDATE conversation_head SET completed = 0 WHERE id = 1", "c1/// completed" },

        // Whole conversations.
        { "conversation: middle removed", "DELETE FROM conversation_head WHERE id = 2; DELETE FROM entry WHERE conversation_id = 2; DELETE FROM piece WHERE conversation_id = 2", "/// number 2 is missing" },
        { "conversation: last removed", "DELETE FROM conversation_head WHERE id = 3; DELETE FROM entry WHERE conversation_id = 3; DELETE FROM piece WHERE conversation_id = 3", "/// number 3 is missing" },
        { "conversation: a head without a chain", "INSERT INTO conversation_head SELECT 4, tenant, 'c4', caller, 'create-c4', data_key, customer, epoch, next_index, next_turn, next_piece, last_hash, pieces_hash, deadline, idle_timeout, last_activity, completed FROM conversation_head WHERE id = 3", "c4//0/ missing" },
        { "conversation: two swap their names", "UPDATE conversation_head SET name = 'x' WHERE id = 1; UPDATE conversation_head SET name = 'c1' WHERE id = 3; UPDATE conversation_head SET name = 'c3' WHERE id = 1", "c3//0/ hash" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Tampering_is_found_and_its_place_named(string what, string sql, string expected)
    {
        await Write();
        using var key = NoteKey.FromPem(await File.ReadAllTextAsync(KeyFile(_folder)));
        Assert.Null((await RecordVerifier.VerifyAsync(_folder.Path, [key])).FirstBad);
        _folder.Execute(sql);

        var report = await RecordVerifier.VerifyAsync(_folder.Path, [key]);
        var bad = report.FirstBad;
        Assert.True(bad is not null, $"{what}: not found");
        var (place, reason) = expected.Split(' ', 2) is [var first, var rest] ? (first, rest) : (expected, "");
        Assert.Equal(place, $"{bad.Conversation}/{bad.Turn}/{bad.Index}/{bad.Piece}");
        Assert.Contains(reason, bad.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_piece_replaced_together_with_its_hashes_contradicts_the_close()
    {
        await Write();
        await using var keys = await KeyRing.OpenBesideAsync(_folder.Path);
        var key = await KeyOf(1, keys);
        var running = new Digest(Column("SELECT hash FROM entry WHERE conversation_id = 1 AND idx = 1"));
        for (var number = 1; number <= 4; number++)
        {
            var piece = JournalPiece.Seal(Samples.Piece(Samples.Key("c1"), 1, number, 1, text: "利率为 9.9%，"), key);
            running = piece.Hash(running);
            _folder.Execute($"UPDATE piece SET (skeleton, sealed, hash) = (x'{Convert.ToHexString(piece.Skeleton)}', x'{Convert.ToHexString(piece.Sealed)}', x'{running}') WHERE conversation_id = 1 AND turn = 1 AND number = {number}");
        }

        var report = await RecordVerifier.VerifyAsync(_folder.Path, dataKeys: keys);
        Assert.Equal(("c1", 1, 2L), (report.FirstBad!.Conversation, report.FirstBad.Turn!.Value, report.FirstBad.Index!.Value));
        Assert.Contains("closed over other pieces", report.FirstBad.Reason, StringComparison.Ordinal);
    }

    public static TheoryData<TurnClosed, string> Closes => new()
    {
        { Samples.Closed(Samples.Key("c3"), 2, 1, 4, answer: "利率为 9.9%"), "its answer is not its pieces' texts joined" },
        { Samples.Closed(Samples.Key("c3"), 2, 1, 4) with { ResumePoints = [] }, "its resume points do not begin with those of its pieces" },
    };

    [Theory, MemberData(nameof(Closes))]
    public async Task A_close_that_contradicts_its_pieces_is_found_though_every_hash_is_right(TurnClosed closed, string reason)
    {
        await Write();
        Digest previous, pieces;
        using (var connection = _folder.Connect())
        using (var rows = new Statement(connection, "SELECT hash, (SELECT pieces_hash FROM entry WHERE conversation_id = 3 AND idx = 4) FROM entry WHERE conversation_id = 3 AND idx = 3"))
        using (var row = rows.Query())
        {
            Assert.True(row.Read());
            (previous, pieces) = (row.Digest(0), row.Digest(1));
        }
        await using var keys = await KeyRing.OpenBesideAsync(_folder.Path);
        var payload = Payload.Seal(closed, await KeyOf(3, keys));
        var leaf = new Entry(4, EntryKind.TurnClosed, 2, 1, Microseconds.Of(closed.Time), payload, (4, pieces)).Leaf(closed.Key, previous);
        _folder.Execute($"""
            UPDATE entry SET skeleton = x'{Convert.ToHexString(payload.Skeleton)}', sealed = x'{Convert.ToHexString(payload.Sealed!)}', hash = x'{leaf}' WHERE conversation_id = 3 AND idx = 4;
            UPDATE conversation_head SET last_hash = x'{leaf}' WHERE id = 3
            """);

        // Whoever has the keys sees that it contradicts what was shown; without them, only that nothing was changed since.
        var report = await RecordVerifier.VerifyAsync(_folder.Path, dataKeys: keys);
        Assert.Equal($"tenants/demo/conversations/c3/turns/2 (entry 4): {reason}", report.FirstBad!.ToString());
    }

    [Fact]
    public async Task A_field_that_is_not_the_one_committed_to_is_found_with_the_keys()
    {
        await Write();
        await using var keys = await KeyRing.OpenBesideAsync(_folder.Path);
        var key = await KeyOf(3, keys);
        Digest previous;
        byte[] skeleton;
        using (var connection = _folder.Connect())
        using (var rows = new Statement(connection, "SELECT hash, (SELECT skeleton FROM entry WHERE conversation_id = 3 AND idx = 4) FROM entry WHERE conversation_id = 3 AND idx = 3"))
        using (var row = rows.Query())
        {
            Assert.True(row.Read());
            (previous, skeleton) = (row.Digest(0), row.Bytes(1));
        }
        // Other words are sealed, and all digests made to agree; the commitments stay those of the true ones.
        var forged = Payload.Seal(Samples.Closed(Samples.Key("c3"), 2, 1, 4) with { Reasoning = "客户问天气。" }, key).Sealed!;
        Digest.Of(forged).CopyTo(skeleton.AsSpan(skeleton.Length - Digest.Length));
        var pieces = new Digest(Column("SELECT pieces_hash FROM entry WHERE conversation_id = 3 AND idx = 4"));
        var leaf = new Entry(4, EntryKind.TurnClosed, 2, 1, Microseconds.Of(Samples.Closed(Samples.Key("c3"), 2, 1, 4).Time), new(skeleton, forged), (4, pieces)).Leaf(Samples.Key("c3"), previous);
        _folder.Execute($"""
            UPDATE entry SET skeleton = x'{Convert.ToHexString(skeleton)}', sealed = x'{Convert.ToHexString(forged)}', hash = x'{leaf}' WHERE conversation_id = 3 AND idx = 4;
            UPDATE conversation_head SET last_hash = x'{leaf}' WHERE id = 3
            """);

        var report = await RecordVerifier.VerifyAsync(_folder.Path, dataKeys: keys);
        Assert.Equal("tenants/demo/conversations/c3/turns/2 (entry 4): confidential field 0 is not the one that is committed to", report.FirstBad!.ToString());
    }

    [Fact]
    public async Task A_chain_rebuilt_from_its_first_change_on_still_contradicts_a_receipt()
    {
        Receipt kept;
        await using (var record = await _folder.OpenAsync())
        {
            var epoch = await record.Begin(Samples.Key());
            kept = await record.AppendTurn(Samples.Key(), 1, epoch, 4);
        }
        using var forged = new RecordFolder();
        await using var forgery = await forged.OpenAsync();
        await forgery.AppendTurn(Samples.Key(), 1, await forgery.Begin(Samples.Key()), 3);
        Assert.True((await RecordVerifier.VerifyAsync(forged.Path)).Valid);
        Assert.NotEqual(kept, (await forgery.FindTurnAsync(Samples.Key(), 1))!.ClosedReceipt);
    }

    [Fact]
    public async Task Each_bad_conversation_is_counted_and_the_first_is_named()
    {
        await Write();
        _folder.Execute("UPDATE piece SET time = 1 WHERE conversation_id IN (2, 3) AND turn = 2 AND number = 1");
        var report = await RecordVerifier.VerifyAsync(_folder.Path);
        Assert.Equal((3, 2, "c2"), (report.Conversations, report.Bad, report.FirstBad!.Conversation));
        Assert.StartsWith("tenants/demo/conversations/c2/turns/2 piece 1: its hash is ", report.FirstBad.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_page_is_reported_and_never_breaks_the_walk()
    {
        var sound = (await Sound.Value)[SqliteRecord.FileName];
        var random = new Random(20260105);
        var found = 0;
        for (var round = 0; round < 150; round++)
        {
            // The first page holds the schema: without it there is no record to speak of.
            var damaged = sound.ToArray();
            for (var flips = 0; flips < 40; flips++)
                damaged[random.Next(4096, damaged.Length)] ^= (byte)(1 << random.Next(8));
            using var copy = new RecordFolder();
            await File.WriteAllBytesAsync(copy.File, damaged);
            var report = await RecordVerifier.VerifyAsync(copy.Path);
            found += report.Valid ? 0 : 1;
        }
        Assert.InRange(found, 140, 150);
    }

    [Fact]
    public async Task Verifying_beside_a_writing_server_raises_no_false_alarm()
    {
        await using var record = await _folder.OpenAsync();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 6).Select(async writer =>
        {
            var key = Samples.Key($"c{writer}");
            var epoch = await record.Begin(key);
            for (var turn = 1; !stop.IsCancellationRequested; turn++)
                await record.AppendTurn(key, turn, epoch, 4);
        }).ToArray();
        var (rounds, entries) = (0, 0L);
        using var time = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (rounds++ < 40 || entries < 300)
        {
            var report = await RecordVerifier.VerifyAsync(_folder.Path, cancellation: time.Token);
            Assert.True(report.Valid, report.FirstBad?.ToString());
            entries = report.Entries;
        }
        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task Progress_ends_with_all_records_and_leaves()
    {
        await Write();
        var seen = new Progress();
        await RecordVerifier.VerifyAsync(_folder.File, progress: seen);
        Assert.Equal(new VerificationProgress(17, 17, 17), seen.Last);
    }

    private async Task Write()
    {
        foreach (var (file, content) in await Sound.Value)
        {
            var copy = Path.Combine(_folder.Path, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            await File.WriteAllBytesAsync(copy, content);
        }
    }

    private async Task<DataKey> KeyOf(long conversation, KeyRing keys) =>
        (await keys.FindAsync("demo", DataKeyId.Of(Column($"SELECT data_key FROM conversation_head WHERE id = {conversation}"))))!;

    private byte[] Column(string sql)
    {
        using var connection = _folder.Connect();
        using var query = new Statement(connection, sql);
        return (byte[])query.Scalar()!;
    }

    private static string KeyFile(RecordFolder folder) => Path.Combine(folder.Path, SqliteRecord.KeyFileName + ".pub");

    /// <summary>Written once: the cases differ in what is done to it.</summary>
    private static readonly Lazy<Task<Dictionary<string, byte[]>>> Sound = new(async () =>
    {
        using var folder = new RecordFolder();
        await using (var record = await folder.OpenAsync())
            await WriteSoundAsync(record);
        return Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(folder.Path, file), File.ReadAllBytes);
    });

    internal static async Task WriteSoundAsync(IRecord record)
    {
        foreach (var name in new[] { "c1", "c2", "c3" })
        {
            var key = Samples.Key(name);
            var epoch = await record.Begin(key);
            await record.AppendTurn(key, 1, epoch, 4);
            await record.AppendTurn(key, 2, epoch, 4);
        }
        await record.AppendAsync(Samples.Completed(Samples.Key("c1"), 1, 2));
        await record.AppendAsync(Samples.Turn(Samples.Key("c2"), 3, 1), Samples.Prompt);
        await record.AppendAsync(Samples.Piece(Samples.Key("c2"), 3, 1, 1));
        var taken = (await record.TakeOverAsync(Samples.Key("c2")))!;
        await record.AppendAsync(Samples.Piece(Samples.Key("c2"), 3, 2, taken.Epoch));
    }

    /// <summary>The column with its first byte replaced by another.</summary>
    private static string Flipped(string column) => $"CAST(CASE WHEN substr({column}, 1, 1) = x'aa' THEN x'55' ELSE x'aa' END || substr({column}, 2) AS BLOB)";

    private sealed class Progress : IProgress<VerificationProgress>
    {
        public VerificationProgress? Last { get; private set; }

        public void Report(VerificationProgress value) => Last = value;
    }
}
