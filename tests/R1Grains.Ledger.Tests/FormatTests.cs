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
        Assert.Equal("0c4fc35882aaa9612fe04d7e412cca1dceb1c612b504fa7fcee3b1e53c7cd717", Digest.Of(Payload.Encode(Samples.Turn(Key, 1, 1), Prompt)).ToString());
        Assert.Equal("1f72a3f34d7642bce0f20ca38d4f164a242c09955f81583ec7fe2c54e194e477", Digest.Of(Payload.Encode(Samples.Closed(Key, 1, 1, 2))).ToString());
        Assert.Equal(
            "00000003646576010000000a636f6d706c6574652d310000000663616c6c6572",
            Convert.ToHexStringLower(Payload.Encode(Samples.Completed(Key, 1, 1))));
    }

    [Fact]
    public void A_whole_conversation_has_its_golden_chain() => Assert.Equal(
        [
            "42b5c98a837bce1657652f7d0e6a6f85db30852d0fc26000d5fb45bd6407ace2",
            "8ba02dddb02db3d95b3941e4143df726bb87c68f6c5cc6349e7ddb0002b593b2",
            "7aa05cfdb9a5b3362fceabfa48d9ab518c4df32ac109cb2dbfd3d99737c13c9e",
            "5fd17a673fbe7860c068e67fc54c85aabfb5741d3f2c7a059feaa2558813c867",
            "de007134213724dbebb311d441014242f85f207b4b6bd7826df38450ea2f4c0c",
            "c8747fabe275be73c3801b18e38b15d9daff2bd979fc5784c1a8697f76b64a18",
        ],
        Chain(Entry.CurrentFormat, Payload.Encode(Samples.Turn(Key, 1, 1), Prompt), Payload.Encode(Samples.Closed(Key, 1, 1, 2))));

    [Fact]
    public void An_administrative_record_has_its_golden_bytes_and_leaf()
    {
        var payload = AdministrativePayload.Encode(
            AdministrativePayload.Encode(Samples.Administrative()), [new DocumentMark("binding", "ben", 2, Digest.Of("agent"u8)), new DocumentMark("binding", "eve", 3, null)]);
        Assert.Equal("00000004616e6e610000000b62696e64696e672e7365740000001974656e616e74732f64656d6f2f62696e64696e67732f62656e00000006e68da2e5b2970000000200000004726f6c65000000056167656e7400000005756e74696c00000000000000020000000762696e64696e670000000362656e000000000000000201d4f0bc5a29de06b510f9aa428f1eedba926012b591fef7a518e776a7c9bd18240000000762696e64696e6700000003657665000000000000000300", Convert.ToHexStringLower(payload));
        Assert.Equal("ded0b11eb65cff09179b14bd4857122bc66eb2bb2ecfae47e2030cdecc408171", AdministrativePayload.Entry(0, Microseconds.Of(Samples.Start), payload).Leaf(AdministrativePayload.Chain("demo"), default).ToString());
    }

    [Fact]
    public void A_conversation_of_format_1_has_its_golden_chain_and_is_read()
    {
        var (opened, closed) = (Earlier(Payload.Encode(Samples.Turn(Key, 1, 1) with { Lexicon = null, Hits = [], PersonalData = null }, Prompt)), Earlier(Payload.Encode(Samples.Closed(Key, 1, 1, 2) with { Lexicon = null, Hits = [], PersonalData = null, Held = null }))[..^1]);
        Assert.Equal("4a450c3d124712fcd070479da86e7a651783af279183de3cdc16dec28107e75f", Digest.Of(opened).ToString());
        Assert.Equal("facfa8ad4ad170c3752ef9098aded945c5ade2f37a78a410ccd6c1ce9af1f9fb", Digest.Of(closed).ToString());
        Assert.Equal(
            [
                "43f387b6b98b656a1f1459ef60aa63f40a0148d5299fdff69878f848d7f97b62",
                "712769294bbfa0372795d19250c1d69bed64f3c08fced8fd076c4e04c795db56",
                "f29f8870a1fb406a9966ddc933ecd0de36a586e17091e1c9c655ef1b9cac3349",
                "e69f9c5456b0b29f63b6562ddb38aeec32dddeb22336fd7dc11da53a2a35d3e9",
                "cc41a808c26eb12669347123e797af2d3da34cfc673c8d135935b4490ce91ec6",
                "cf8306c6ab929e5ff75c47f31af7e7d490534a1f9a797e08b80bff6330f27bc8",
            ],
            Chain(1, opened, closed));
        var read = Payload.DecodeTurnOpened(opened, 1, Key, 1, 1, Samples.Start).Opened;
        Assert.Equal((Samples.Turn(Key, 1, 1).Input, null), (read.Input, read.Lexicon));
        Assert.Empty(read.Hits);
        Assert.Equal(Samples.Closed(Key, 1, 1, 2).Answer, Payload.DecodeTurnClosed(closed, 1, Key, 1, 1, Samples.Start, 2).Answer);
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened(opened, 2, Key, 1, 1, Samples.Start));
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnClosed(closed, 2, Key, 1, 1, Samples.Start, 2));

        // No lexicon, a list of no hits, and no list of personal data.
        static byte[] Earlier(byte[] payload) => payload[..^6];
    }

    [Fact]
    public void A_conversation_of_format_2_has_its_golden_chain_and_is_read()
    {
        var (opened, closed) = (Earlier(Payload.Encode(Samples.Turn(Key, 1, 1) with { PersonalData = null }, Prompt)), Earlier(Payload.Encode(Samples.Closed(Key, 1, 1, 2) with { PersonalData = null, Held = null }))[..^1]);
        Assert.Equal("60ecbd9c007d122da3a14a431db81e0eaf69be6ff106a9cdb1e5a4d142288f66", Digest.Of(opened).ToString());
        Assert.Equal("fdce9c48b57434dea697f0f4f5398ae66c86273bcf774288cbe54b2791931742", Digest.Of(closed).ToString());
        Assert.Equal(
            [
                "6d419b2d0c6268692203c3c74f0572d4df3d33ecee2a49951ba6491e3a4ba995",
                "45e5247511d8d7e5e730761a3c8d065d9f9a89012b8ed6a0ac2981cc23c84b4a",
                "ea24db306a0e97d11436be9c9b42903db9b71e5969743d73263935761e537dc8",
                "e9c522d6db4350f56ee2d809403a6009a6161fc48bb0bb994349c9d19e729028",
                "2e48c83a82eab915fa4fb1045faf8b846358a5a86dd63c445b5943cbc1b11039",
                "696cd83028d908052b84775bd9cec0f77ecde7c443e88b6e88d071def4b9868e",
            ],
            Chain(2, opened, closed));
        var read = Payload.DecodeTurnOpened(opened, 2, Key, 1, 1, Samples.Start).Opened;
        Assert.Equal((Samples.Turn(Key, 1, 1).Input, null), (read.Input, read.PersonalData));
        var readClosed = Payload.DecodeTurnClosed(closed, 2, Key, 1, 1, Samples.Start, 2);
        Assert.Equal((Samples.Closed(Key, 1, 1, 2).Answer, null), (readClosed.Answer, readClosed.Held));
        Assert.Equal(Samples.Closed(Key, 1, 1, 2).Hits, readClosed.Hits);
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnClosed(closed, 3, Key, 1, 1, Samples.Start, 2));
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened(opened, 3, Key, 1, 1, Samples.Start));

        // No list of personal data.
        static byte[] Earlier(byte[] payload) => payload[..^1];
    }

    private static string[] Chain(byte format, byte[] turnPayload, byte[] closedPayload)
    {
        var head = new ConversationHead { Key = Key };
        var opened = head.Opened(new Entry(0, EntryKind.ConversationOpened, 0, 0, Microseconds.Of(Samples.Start), Payload.Encode(Samples.Opened(Key, "create-1")), null) { Format = format }, 1);
        var turn = Samples.Turn(Key, 1, 1);
        var turnOpened = head.TurnOpened(new Entry(1, EntryKind.TurnOpened, 1, 1, Microseconds.Of(turn.Time), turnPayload, null) { Format = format }, 1);
        var pieces = Enumerable.Range(1, 2).Select(number => Samples.Piece(Key, 1, number, 1))
            .Select(piece => head.Add(JournalPiece.Of(piece))).ToArray();
        var closed = Samples.Closed(Key, 1, 1, 2);
        var turnClosed = head.TurnClosed(new Entry(2, EntryKind.TurnClosed, 1, 1, Microseconds.Of(closed.Time), closedPayload, (2, head.PiecesHash)) { Format = format });
        var completed = Samples.Completed(Key, 1, 1);
        var last = head.Complete(new Entry(3, EntryKind.ConversationCompleted, 0, 1, Microseconds.Of(completed.Time), Payload.Encode(completed), null) { Format = format });
        return [.. new[] { opened, turnOpened, pieces[0], pieces[1], turnClosed, last }.Select(digest => digest.ToString())];
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
                Numerics = seed % 2 == 0 ? null : sample.Numerics,
                Lexicon = seed % 3 == 0 ? null : sample.Lexicon,
                Hits = [.. ids.Select(id => new LexiconHit(HitPlace.Input, id, ~id, seed, text, id & 255, HitAction.Mask))],
                PersonalData = seed % 5 == 0 ? null : [.. ids.Select(id => new PersonalItem(HitPlace.Reasoning, id, ~id, text))],
                Passages = [.. stops.Select(stop => new Passage(stop, text, stop))],
                Sampling = sample.Sampling with { TopP = number, Seed = seed, StopStrings = stops },
            };
            var bytes = Payload.Encode(turn, TokenIds.Encode(ids));
            var (read, count, hash) = Payload.DecodeTurnOpened(bytes, Entry.CurrentFormat, Key, 7, 3, turn.Time);
            Assert.Equal(text, read.Input);
            Assert.Equal(stops, read.Sampling.StopStrings);
            Assert.Equal((number, seed, turn.Numerics, turn.Lexicon), (read.Sampling.TopP, read.Sampling.Seed, read.Numerics, read.Lexicon));
            Assert.Equal(turn.Hits, read.Hits);
            Assert.Equal(turn.PersonalData, read.PersonalData);
            Assert.Equal((ids.Length, Digest.Of(TokenIds.Encode(ids))), (count, hash));
            Assert.Equal(bytes, Payload.Encode(read, TokenIds.Encode(ids)));
        });

    [Fact]
    public void Any_close_reads_back_as_it_was_written() =>
        Gen.Select(Gen.String.Null(), Gen.String.Null(), Gen.Int.Array[0, 50], Gen.Enum<Outcome>(), Gen.DateTimeOffset).Sample((error, by, ids, outcome, time) =>
        {
            if (!IsUnicode(error ?? "") || !IsUnicode(by ?? ""))
                return;
            var closed = Samples.Closed(Key, 7, 3, 2) with { Error = error, CancelledBy = by, TrailingTokenIds = ids, ResumePoints = [.. ids.Select(id => new ResumePoint(id, Digest.Of(BitConverter.GetBytes(id))))], Outcome = outcome, Held = by, FirstTokenTime = error is null ? null : time };
            var bytes = Payload.Encode(closed);
            var read = Payload.DecodeTurnClosed(bytes, Entry.CurrentFormat, Key, 7, 3, closed.Time, 2);
            Assert.Equal((error, by, outcome, by), (read.Error, read.CancelledBy, read.Outcome, read.Held));
            Assert.Equal(ids, read.TrailingTokenIds);
            Assert.Equal(closed.ResumePoints, read.ResumePoints);
            Assert.Equal(closed.Lexicon, read.Lexicon);
            Assert.Equal(closed.Hits, read.Hits);
            Assert.Equal(closed.PersonalData, read.PersonalData);
            Assert.Equal(bytes, Payload.Encode(read));
        });

    [Fact]
    public void Every_cut_payload_is_refused()
    {
        var payload = Payload.Encode(Samples.Turn(Key, 1, 1), Prompt);
        for (var length = 0; length < payload.Length; length++)
            Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened(payload.AsSpan(0, length), Entry.CurrentFormat, Key, 1, 1, Samples.Start));
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened([.. payload, 0], Entry.CurrentFormat, Key, 1, 1, Samples.Start));
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
