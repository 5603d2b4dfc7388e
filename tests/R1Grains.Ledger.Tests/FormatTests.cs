using CsCheck;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Tests;

/// <summary>The bytes and hashes here are the format. A change that breaks them breaks every record that exists: give it a new number instead.</summary>
public class FormatTests
{
    private static readonly ConversationKey Key = Samples.Key();
    private static readonly byte[] Prompt = TokenIds.Encode(Samples.Prompt);
    private static readonly Subject Subject = new(SubjectKind.Customer, 1, Digest.Of("customer"u8));
    private static readonly DataKey DataKey = new(new DataKeyId(Subject.Hash, 202601, 1), Digest.Of("data key"u8).ToArray());

    [Fact]
    public void Skeletons_have_their_golden_bytes()
    {
        Assert.Equal("000000086372656174652d31bcd1e7bc33803ddf583a8cd3329cd8dfc370ddfbe9159757eaac0e5dc78f5067000000036465760100000001b6c45863875e34487ca3c155ed145efe12a74581e27befec5aa661b8ee8ca6dd00031769000000010000000463686174af9e197b27a8fa350bf410d64655fa3e132bcb9085d7af9c3e906adca02f766700000009617373697374616e74000000057a682d434e727f33e6c818da1d1d7b53af1e3fe7ee0683d719ee187abdae4b246226a86a0c000000006b49d200", Hex(Payload.Encode(Samples.Opened(Key, "create-1"), Subject, DataKey.Id, Salts())));
        Assert.Equal("ac686953e2634ac3b25385d0cdb022609a7b453ceb20ed850bdaad62f4a0e1dd", Digest.Of(Payload.Encode(Samples.Turn(Key, 1, 1), Prompt, Salts()).Written).ToString());
        Assert.Equal("23c8ced657d7d5cc689f5291ef951119c2001cb824053fad8e0fad87cd5c295c", Digest.Of(Payload.Encode(Samples.Closed(Key, 1, 1, 2), Salts()).Written).ToString());
        Assert.Equal("dc8b5dfe7393d80e120d2ee5d8f077cd92321413c52bb5a83e21e36954bbb82145d88b0a680e4438c97e56ba32afbd7ceca9ea829082f167fe21afced96830430000000100000003276482b383990be04395ca9e2df884673c33d1b3fc1814c514a7f0b120cf3ec6", Hex(JournalPiece.Encode(Samples.Piece(Key, 1, 2, 1), Salts())));
        Assert.Equal("00000003646576010000000a636f6d706c6574652d310000000663616c6c6572", Convert.ToHexStringLower(Payload.Encode(Samples.Completed(Key, 1, 1))));
    }

    [Fact]
    public void What_is_sealed_has_its_golden_places_and_opens_to_its_golden_fields()
    {
        Assert.Equal("010000000464656d6f000000026331030000000100000000b6c45863875e34487ca3c155ed145efe12a74581e27befec5aa661b8ee8ca6dd0003176900000001", Convert.ToHexStringLower(SealedPlace.Of(Key, EntryKind.TurnClosed, 1, DataKey.Id)));
        Assert.Equal("020000000464656d6f000000026331020000000100000000b6c45863875e34487ca3c155ed145efe12a74581e27befec5aa661b8ee8ca6dd0003176900000001", Convert.ToHexStringLower(SealedPlace.OfPrompt(Key, 1, DataKey.Id)));
        Assert.Equal("030000000464656d6f000000026331000000000100000002b6c45863875e34487ca3c155ed145efe12a74581e27befec5aa661b8ee8ca6dd0003176900000001", Convert.ToHexStringLower(SealedPlace.OfPiece(Key, 1, 2, DataKey.Id)));
        var piece = new JournalPiece(2, 1, Microseconds.Of(Samples.Piece(Key, 1, 2, 1).Time), [], Convert.FromHexString("000102030405060708090a0bbee5e5f31ddcec55fbec31300891259a651ac8081bf519fdbc2d0c55747fd40713442b65df4d26f12a7f76da8d04f819e1e5b3048fe67e7ac16b4a15ff37e36b8d696a7ce73ba854275d1fa25cb4"));
        Assert.Equal(["000003ea0000000700000008", Convert.ToHexStringLower("第2句，"u8)], piece.Open(DataKey, Key, 1).Select(field => Convert.ToHexStringLower(field.Bytes)));
        Assert.Equal([Convert.ToHexStringLower(Salt(0)), Convert.ToHexStringLower(Salt(1))], piece.Open(DataKey, Key, 1).Select(field => Convert.ToHexStringLower(field.Salt)));
    }

    [Fact]
    public void A_whole_conversation_has_its_golden_chain()
    {
        var (opened, turn, closed, completed) = (Samples.Opened(Key, "create-1"), Samples.Turn(Key, 1, 1), Samples.Closed(Key, 1, 1, 2), Samples.Completed(Key, 1, 1));
        var head = new ConversationHead { Key = Key };
        var chain = new List<Digest>
        {
            head.Opened(new Entry(0, EntryKind.ConversationOpened, 0, 0, Microseconds.Of(opened.Time), Whole(Payload.Encode(opened, Subject, DataKey.Id, Salts())), null), 1),
            head.TurnOpened(new Entry(1, EntryKind.TurnOpened, 1, 1, Microseconds.Of(turn.Time), Whole(Payload.Encode(turn, Prompt, Salts()).Digest(Digest.Of("prompt"u8))), null), 1),
        };
        chain.AddRange(Enumerable.Range(1, 2).Select(number => Samples.Piece(Key, 1, number, 1)).Select(piece =>
            head.Add(new JournalPiece(piece.Number, piece.Epoch, Microseconds.Of(piece.Time), Whole(JournalPiece.Encode(piece, Salts())).Skeleton, []))));
        chain.Add(head.TurnClosed(new Entry(2, EntryKind.TurnClosed, 1, 1, Microseconds.Of(closed.Time), Whole(Payload.Encode(closed, Salts())), (2, head.PiecesHash))));
        chain.Add(head.Complete(new Entry(3, EntryKind.ConversationCompleted, 0, 1, Microseconds.Of(completed.Time), new(Payload.Encode(completed), null), null)));
        Assert.Equal(
            [
                "297083bf379c2a11a1e89d43b7b94b0064ac5c40d9a8993c20c4de1bf512247e",
                "d3b12592ad7f0c4bb55667157f3755768ee9eb29761e8b6370d154ab3e780e4f",
                "083677ce18875394773e6e4044290cc42f3d5f2dfdd99f0890f471f52b081a12",
                "985c8039bbc3d71224d13d50ff28ebc73a1af5b26b60d601c804b34c7160d2e4",
                "dd34aea7e4016501b74426426441f0b84aeefacb5dbf8cbbeaa17e9f3c321303",
                "58ee15da7ce8c84af610b5ef13f4d3d1231b1a964b2f3d61442d619aa56c8276",
            ],
            chain.Select(digest => digest.ToString()));

        // As if these bytes were sealed.
        static SealedPayload Whole(ByteWriter skeleton) => new(skeleton.Digest(Digest.Of("sealed"u8)).ToArray(), null);
    }

    [Fact]
    public void An_administrative_record_has_its_golden_bytes_and_leaf()
    {
        var payload = AdministrativePayload.Encode(
            AdministrativePayload.Encode(Samples.Administrative()), [new DocumentMark("binding", "ben", 2, Digest.Of("agent"u8)), new DocumentMark("binding", "eve", 3, null)]);
        Assert.Equal("00000004616e6e610000000b62696e64696e672e7365740000001974656e616e74732f64656d6f2f62696e64696e67732f62656e00000006e68da2e5b2970000000200000004726f6c65000000056167656e7400000005756e74696c00000000000000020000000762696e64696e670000000362656e000000000000000201d4f0bc5a29de06b510f9aa428f1eedba926012b591fef7a518e776a7c9bd18240000000762696e64696e6700000003657665000000000000000300", Convert.ToHexStringLower(payload));
        Assert.Equal("ded0b11eb65cff09179b14bd4857122bc66eb2bb2ecfae47e2030cdecc408171", AdministrativePayload.Entry(0, Microseconds.Of(Samples.Start), payload).Leaf(AdministrativePayload.Chain("demo"), default).ToString());
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
                Disclosure = seed % 7 == 0 ? null : new(text, seed % 2 == 0),
                PersonalData = seed % 5 == 0 ? null : [.. ids.Select(id => new PersonalItem(HitPlace.Reasoning, id, ~id, text))],
                Passages = [.. stops.Select(stop => new Passage(stop, text, stop))],
                Sampling = sample.Sampling with { TopP = number, Seed = seed, StopStrings = stops },
            };
            var payload = Payload.Seal(turn, TokenIds.Encode(ids), DataKey);
            var fields = Open(payload, EntryKind.TurnOpened, 7);
            var (read, count, hash, prompt, digest) = Payload.DecodeTurnOpened(payload.Skeleton, FieldReader.Of(fields, checks: true), Key, 7, 3, turn.Time);
            Assert.Equal(text, read.Input);
            Assert.Equal(stops, read.Sampling.StopStrings);
            Assert.Equal((number, seed, turn.Numerics, turn.Lexicon), (read.Sampling.TopP, read.Sampling.Seed, read.Numerics, read.Lexicon));
            Assert.Equal(turn.Hits, read.Hits);
            Assert.Equal(turn.PersonalData, read.PersonalData);
            Assert.Equal(turn.Disclosure, read.Disclosure);
            Assert.Equal((ids.Length, Digest.Of(TokenIds.Encode(ids))), (count, hash));
            Assert.Equal(turn.Passages, read.Passages);
            Assert.Equal((Digest.Of(payload.Prompt), Digest.Of(payload.Sealed)), (prompt, digest));
            Assert.Equal(TokenIds.Encode(ids), DataKey.Open(payload.Prompt, SealedPlace.OfPrompt(Key, 7, DataKey.Id)));
            Assert.Equal(payload.Skeleton[..^64], Payload.Encode(read, TokenIds.Encode(ids), new FieldWriter(fields)).ToArray());
        });

    [Fact]
    public void Any_close_reads_back_as_it_was_written() =>
        Gen.Select(Gen.String.Null(), Gen.String.Null(), Gen.Int.Array[0, 50], Gen.Enum<Outcome>(), Gen.DateTimeOffset).Sample((error, by, ids, outcome, time) =>
        {
            if (!IsUnicode(error ?? "") || !IsUnicode(by ?? ""))
                return;
            var closed = Samples.Closed(Key, 7, 3, 2) with { Error = error, CancelledBy = by, TrailingTokenIds = ids, ResumePoints = [.. ids.Select(id => new ResumePoint(id, Digest.Of(BitConverter.GetBytes(id))))], Outcome = outcome, Held = by, FirstTokenTime = error is null ? null : time };
            var payload = Payload.Seal(closed, DataKey);
            var fields = Open(payload, EntryKind.TurnClosed, 7);
            var read = Payload.DecodeTurnClosed(payload.Skeleton, FieldReader.Of(fields, checks: true), Key, 7, 3, closed.Time, 2).Closed;
            Assert.Equal((error, by, outcome, by), (read.Error, read.CancelledBy, read.Outcome, read.Held));
            Assert.Equal(ids, read.TrailingTokenIds);
            Assert.Equal(closed.ResumePoints, read.ResumePoints);
            Assert.Equal(closed.Lexicon, read.Lexicon);
            Assert.Equal(closed.Hits, read.Hits);
            Assert.Equal(closed.PersonalData, read.PersonalData);
            Assert.Equal(payload.Skeleton[..^32], Payload.Encode(read, new FieldWriter(fields)).ToArray());
        });

    [Fact]
    public void Every_cut_skeleton_is_refused_and_every_cut_of_what_is_sealed()
    {
        var payload = Payload.Seal(Samples.Turn(Key, 1, 1), Prompt, DataKey);
        for (var length = 0; length < payload.Skeleton.Length; length++)
            Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened(payload.Skeleton.AsSpan(0, length), FieldReader.Withheld, Key, 1, 1, Samples.Start));
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened([.. payload.Skeleton, 0], FieldReader.Withheld, Key, 1, 1, Samples.Start));
        for (var length = 0; length < payload.Sealed!.Length; length++)
            Assert.Throws<InvalidDataException>(() => Open(payload with { Sealed = payload.Sealed[..length] }, EntryKind.TurnOpened, 1));
        var fields = Open(payload, EntryKind.TurnOpened, 1);
        foreach (var wrong in new[] { fields[..^1], [.. fields, fields[0]] })
            Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnOpened(payload.Skeleton, FieldReader.Of(wrong), Key, 1, 1, Samples.Start));
    }

    [Fact]
    public void What_is_sealed_opens_in_its_place_and_in_no_other()
    {
        var sealedBytes = Payload.Seal(Samples.Closed(Key, 1, 1, 2), DataKey).Sealed!;
        ConfidentialField.Open(DataKey, sealedBytes, SealedPlace.Of(Key, EntryKind.TurnClosed, 1, DataKey.Id));
        foreach (var elsewhere in new[]
        {
            SealedPlace.Of(Key, EntryKind.TurnClosed, 2, DataKey.Id),
            SealedPlace.Of(Key, EntryKind.TurnOpened, 1, DataKey.Id),
            SealedPlace.OfPrompt(Key, 1, DataKey.Id),
            SealedPlace.Of(Samples.Key("c2"), EntryKind.TurnClosed, 1, DataKey.Id),
            SealedPlace.Of(Samples.Key("c1", "other"), EntryKind.TurnClosed, 1, DataKey.Id),
            SealedPlace.Of(Key, EntryKind.TurnClosed, 1, DataKey.Id with { Generation = 2 }),
        })
            Assert.Throws<InvalidDataException>(() => ConfidentialField.Open(DataKey, sealedBytes, elsewhere));
        Assert.Throws<InvalidDataException>(() => ConfidentialField.Open(new DataKey(DataKey.Id, Digest.Of("another"u8).ToArray()), sealedBytes, SealedPlace.Of(Key, EntryKind.TurnClosed, 1, DataKey.Id)));
    }

    [Fact]
    public void One_field_is_shown_with_proof_and_the_others_are_withheld()
    {
        var payload = Payload.Seal(Samples.Closed(Key, 1, 1, 2), DataKey);
        var fields = Array.ConvertAll(Open(payload, EntryKind.TurnClosed, 1), field => (ConfidentialField?)field);
        // In the order of the commitments: trailing ids, reasoning, answer, …
        var answerAlone = fields.Select((field, i) => i == 2 ? field : null).ToArray();
        var read = Payload.DecodeTurnClosed(payload.Skeleton, new FieldReader(answerAlone, checks: true), Key, 1, 1, Samples.Start, 2).Closed;
        Assert.Equal((Samples.Closed(Key, 1, 1, 2).Answer, ""), (read.Answer, read.Reasoning));

        answerAlone[2] = fields[2]!.Value with { Bytes = [.. "利率为 9.9%"u8] };
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnClosed(payload.Skeleton, new FieldReader(answerAlone, checks: true), Key, 1, 1, Samples.Start, 2));
        // The same words, and a salt that is not the one.
        answerAlone[2] = fields[2]!.Value with { Salt = fields[1]!.Value.Salt };
        Assert.Throws<InvalidDataException>(() => Payload.DecodeTurnClosed(payload.Skeleton, new FieldReader(answerAlone, checks: true), Key, 1, 1, Samples.Start, 2));
    }

    [Fact]
    public void The_same_words_look_different_each_time()
    {
        var (one, other) = (Payload.Seal(Samples.Closed(Key, 1, 1, 2), DataKey), Payload.Seal(Samples.Closed(Key, 1, 1, 2), DataKey));
        Assert.Equal(one.Skeleton.Length, other.Skeleton.Length);
        Assert.NotEqual(one.Skeleton, other.Skeleton);
        Assert.NotEqual(one.Sealed, other.Sealed);
        var (fields, others) = (Open(one, EntryKind.TurnClosed, 1), Open(other, EntryKind.TurnClosed, 1));
        Assert.Equal(fields.Length + others.Length, fields.Concat(others).Select(field => Convert.ToHexString(field.Salt)).Distinct().Count());
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
        Assert.ThrowsAny<ArgumentException>(() => Payload.Seal(Samples.Turn(Key, 1, 1) with { Input = "\ud83d" }, Prompt, DataKey));

    [Fact]
    public void A_digest_is_64_hex_digits()
    {
        var digest = Digest.Of("abc"u8);
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", digest.ToString());
        Assert.Equal(digest, Digest.Parse(digest.ToString()));
        Assert.Throws<FormatException>(() => Digest.Parse("ba78"));
    }

    private static ConfidentialField[] Open(SealedPayload payload, EntryKind kind, int turn) =>
        ConfidentialField.Open(DataKey, payload.Sealed!, SealedPlace.Of(Key, kind, turn, DataKey.Id));

    /// <summary>Salts that are known: the first is of sixteen zeros, the next of sixteen ones, and so on.</summary>
    private static FieldWriter Salts() => new(Enumerable.Range(0, 16).Select(number => new ConfidentialField(Salt(number), [])));

    private static byte[] Salt(int number) => [.. Enumerable.Repeat((byte)number, ConfidentialField.SaltLength)];

    private static string Hex(ByteWriter written) => Convert.ToHexStringLower(written.Written);

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
