using CsCheck;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Tests;

/// <summary>The bytes and hashes here are the format. A change that breaks them breaks every record that exists: give it a new number instead.</summary>
public class FormatTests
{
    private static readonly ConversationKey Key = Samples.Key();
    private static readonly byte[] Prompt = TokenIds.Encode(Samples.Prompt);

    [Fact]
    public void Payloads_have_their_golden_bytes()
    {
        Assert.Equal(
            "000000086372656174652d31fa8847b0c33183273f5945508b31c3208a9e4ece58ca47233a05628d8dba37990000000364657600000004636861740000000c637573746f6d6572732f343200000009617373697374616e74000000057a682d434e00000002000000066272616e636800000006e6b5a6e4b89c0000000376697000000000000000006b49d200",
            Convert.ToHexStringLower(Payload.Encode(Samples.Opened(Key, "create-1"))));
        Assert.Equal("1a526f1999d7f02907a127925c07ce59527f38148628e7e8ec50f757a975f8f7", Digest.Of(Payload.Encode(Samples.Turn(Key, 1, 1), Prompt)).ToString());
        Assert.Equal("1fa974d481d8448db805e3be01a1200d30d15eb2cca2104957c2e0227d8709e9", Digest.Of(Payload.Encode(Samples.Closed(Key, 1, 1, 2))).ToString());
        Assert.Equal(
            "00000003646576010000000a636f6d706c6574652d310000000663616c6c6572",
            Convert.ToHexStringLower(Payload.Encode(Samples.Completed(Key, 1, 1))));
    }

    [Fact]
    public void A_whole_conversation_has_its_golden_chain()
    {
        var head = new ConversationHead { Key = Key };
        var opened = head.Opened(new Entry(0, EntryKind.ConversationOpened, 0, 0, Microseconds.Of(Samples.Start), Payload.Encode(Samples.Opened(Key, "create-1")), null), 1);
        var turn = Samples.Turn(Key, 1, 1);
        var turnOpened = head.TurnOpened(new Entry(1, EntryKind.TurnOpened, 1, 1, Microseconds.Of(turn.Time), Payload.Encode(turn, Prompt), null), 1);
        var pieces = Enumerable.Range(1, 2).Select(number => Samples.Piece(Key, 1, number, 1))
            .Select(piece => head.Add(new JournalPiece(piece.Number, 1, Microseconds.Of(piece.Time), TokenIds.Encode(piece.TokenIds), ByteWriter.StrictUtf8.GetBytes(piece.Text)))).ToArray();
        var closed = Samples.Closed(Key, 1, 1, 2);
        var turnClosed = head.TurnClosed(new Entry(2, EntryKind.TurnClosed, 1, 1, Microseconds.Of(closed.Time), Payload.Encode(closed), (2, head.PiecesHash)));
        var completed = Samples.Completed(Key, 1, 1);
        var last = head.Complete(new Entry(3, EntryKind.ConversationCompleted, 0, 1, Microseconds.Of(completed.Time), Payload.Encode(completed), null));

        Assert.Equal("43f387b6b98b656a1f1459ef60aa63f40a0148d5299fdff69878f848d7f97b62", opened.ToString());
        Assert.Equal("d87839e97f912e5a2811d670d1a99354290ee94b12847b2faa143ede9cffd9e5", turnOpened.ToString());
        Assert.Equal("c1a53e7382587e36437e4cdf54013f43eff7337168af4657b64800414e422347", pieces[0].ToString());
        Assert.Equal("563f2991104d12f0601e0a3ef8f119870bc07f74afbfbbcc67fbb5572c48c5df", pieces[1].ToString());
        Assert.Equal("78326e47e27b8365ade7fcfaa6a76943a7416379df2cf78c64fc85ebd8d2214b", turnClosed.ToString());
        Assert.Equal("9b990a5a4a93b5749032ee600bb9caf26bad47868169dc7a35b81eb291fe70da", last.ToString());
    }

    [Fact]
    public void Any_turn_reads_back_as_it_was_written() =>
        Gen.Select(Gen.String, Gen.String.Array[0, 5], Gen.Decimal, Gen.ULong, Gen.Int.Array[0, 50]).Sample((text, stops, number, seed, ids) =>
        {
            if (!IsUnicode(text) || !stops.All(IsUnicode))
                return;
            var sample = Samples.Turn(Key, 7, 3);
            var turn = sample with
            {
                Input = text,
                Passages = [.. stops.Select(stop => new Passage(stop, text, stop))],
                Sampling = sample.Sampling with { TopP = number, Seed = seed, StopStrings = stops },
            };
            var bytes = Payload.Encode(turn, TokenIds.Encode(ids));
            var (read, count, hash) = Payload.DecodeTurnOpened(bytes, Key, 7, 3, turn.Time);
            Assert.Equal(text, read.Input);
            Assert.Equal(stops, read.Sampling.StopStrings);
            Assert.Equal((number, seed), (read.Sampling.TopP, read.Sampling.Seed));
            Assert.Equal((ids.Length, Digest.Of(TokenIds.Encode(ids))), (count, hash));
            Assert.Equal(bytes, Payload.Encode(read, TokenIds.Encode(ids)));
        });

    [Fact]
    public void Any_close_reads_back_as_it_was_written() =>
        Gen.Select(Gen.String.Null(), Gen.String.Null(), Gen.Int.Array[0, 50], Gen.Enum<Outcome>(), Gen.DateTimeOffset).Sample((error, by, ids, outcome, time) =>
        {
            if (!IsUnicode(error ?? "") || !IsUnicode(by ?? ""))
                return;
            var closed = Samples.Closed(Key, 7, 3, 2) with { Error = error, CancelledBy = by, TrailingTokenIds = ids, ResumePoints = ids, Outcome = outcome, FirstTokenTime = error is null ? null : time };
            var bytes = Payload.Encode(closed);
            var read = Payload.DecodeTurnClosed(bytes, Key, 7, 3, closed.Time, 2);
            Assert.Equal((error, by, outcome), (read.Error, read.CancelledBy, read.Outcome));
            Assert.Equal(ids, read.TrailingTokenIds);
            Assert.Equal(bytes, Payload.Encode(read));
        });

    [Fact]
    public void Every_cut_payload_is_refused()
    {
        var payload = Payload.Encode(Samples.Turn(Key, 1, 1), Prompt);
        for (var length = 0; length < payload.Length; length++)
            Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened(payload.AsSpan(0, length), Key, 1, 1, Samples.Start));
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened([.. payload, 0], Key, 1, 1, Samples.Start));
    }

    [Fact]
    public void Times_are_whole_microseconds_in_utc_rounded_down()
    {
        Assert.Equal(0, Microseconds.Of(DateTimeOffset.UnixEpoch.AddTicks(9)));
        Assert.Equal(-1, Microseconds.Of(DateTimeOffset.UnixEpoch.AddTicks(-1)));
        Assert.Equal(-1, Microseconds.Of(DateTimeOffset.UnixEpoch.AddTicks(-10)));
        Assert.Equal(3_600_000_000, Microseconds.Of(new DateTimeOffset(1970, 1, 1, 8, 0, 0, TimeSpan.FromHours(7))));
    }

    [Fact]
    public void A_lone_surrogate_is_refused_rather_than_replaced() =>
        Assert.ThrowsAny<ArgumentException>(() => Payload.Encode(Samples.Turn(Key, 1, 1) with { Input = "\ud83d" }, Prompt));

    [Fact]
    public void A_digest_is_64_hex_digits()
    {
        var digest = Digest.Of("abc"u8);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest.ToString());
        Assert.Equal(digest, Digest.Parse(digest.ToString()));
        Assert.Throws<FormatException>(() => Digest.Parse("ba78"));
    }

    private static bool IsUnicode(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                i++;
            else if (char.IsSurrogate(text[i]))
                return false;
        }
        return true;
    }
}
