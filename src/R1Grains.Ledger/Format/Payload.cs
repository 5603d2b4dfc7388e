using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Format;

/// <summary>
/// What a ledger entry says. An entry's place (key, index, turn, epoch, time) stands in its envelope and not here. The order
/// of the fields is the format: see FORMAT.md. Encoders write the skeleton but for the digests of what is sealed.
/// </summary>
internal static class Payload
{
    public static SealedPayload Seal(ConversationOpened opened, Subject subject, DataKey key)
    {
        var fields = new FieldWriter();
        var skeleton = Encode(opened, subject, key.Id, fields);
        return Seal(skeleton, fields, key, SealedPlace.Of(opened.Key, EntryKind.ConversationOpened, 0, key.Id));
    }

    /// <param name="promptIds">From <see cref="TokenIds"/>.</param>
    public static SealedPayload Seal(TurnOpened opened, ReadOnlySpan<byte> promptIds, DataKey key)
    {
        var fields = new FieldWriter();
        var skeleton = Encode(opened, promptIds, fields);
        var prompt = key.Seal(promptIds, SealedPlace.OfPrompt(opened.Key, opened.Turn, key.Id));
        var payload = Seal(skeleton.Digest(Digest.Of(prompt)), fields, key, SealedPlace.Of(opened.Key, EntryKind.TurnOpened, opened.Turn, key.Id));
        return payload with { Prompt = prompt };
    }

    public static SealedPayload Seal(TurnClosed closed, DataKey key)
    {
        var fields = new FieldWriter();
        return Seal(Encode(closed, fields), fields, key, SealedPlace.Of(closed.Key, EntryKind.TurnClosed, closed.Turn, key.Id));
    }

    private static SealedPayload Seal(ByteWriter skeleton, FieldWriter fields, DataKey key, byte[] place)
    {
        var bytes = fields.Seal(key, place);
        return new(skeleton.Digest(Digest.Of(bytes)).ToArray(), bytes);
    }

    public static ByteWriter Encode(ConversationOpened opened, Subject subject, DataKeyId key, FieldWriter fields) => new ByteWriter()
        .String(opened.RequestId)
        .Confidential(fields, opened.PayloadHash.ToArray())
        .String(opened.Caller)
        .Byte((byte)subject.Kind)
        .Int32(subject.Version)
        .Key(key)
        .String(opened.Channel)
        .Confidential(fields, opened.Customer)
        .String(opened.Agent)
        .String(opened.LanguageCode)
        .Confidential(fields, new ByteWriter().List(opened.Labels, (w, label) => w.String(label.Name).String(label.Value)).Written)
        .Int64(Microseconds.Of(opened.IdleTimeout));

    public static (ConversationOpened Opened, Subject Subject, DataKeyId DataKey, Digest Sealed) DecodeConversationOpened(
        ReadOnlySpan<byte> skeleton, FieldReader fields, ConversationKey key, DateTimeOffset time)
    {
        var reader = new ByteReader(skeleton);
        var (requestId, payloadHash, caller) = (reader.String(), fields.Hash(reader.Digest()), reader.String());
        var (kind, version, dataKey) = ((SubjectKind)reader.Byte(), reader.Int32(), reader.Key());
        var opened = new ConversationOpened
        {
            Key = key,
            Time = time,
            RequestId = requestId,
            PayloadHash = payloadHash,
            Caller = caller,
            Channel = reader.String(),
            Customer = fields.Text(reader.Digest()),
            Agent = reader.String(),
            LanguageCode = reader.String(),
            Labels = fields.List(reader.Digest(), (ref ByteReader r) => new Label(r.String(), r.String())),
            IdleTimeout = Microseconds.ToSpan(reader.Int64()),
        };
        var digest = reader.Digest();
        reader.End();
        fields.End();
        return Enum.IsDefined(kind) ? (opened, new Subject(kind, version, dataKey.Subject), dataKey, digest) : throw new InvalidDataException($"the kind of its subject is {kind:D}");
    }

    public static ByteWriter Encode(TurnOpened opened, ReadOnlySpan<byte> promptIds, FieldWriter fields) => new ByteWriter()
        .String(opened.RequestId)
        .Confidential(fields, opened.PayloadHash.ToArray())
        .Time(opened.Deadline)
        .String(opened.Caller)
        .Confidential(fields, opened.Input)
        .String(opened.LanguageCode)
        .List(opened.Passages, (w, passage) => w.String(passage.Source).String(passage.Revision).Confidential(fields, passage.Text))
        .String(opened.Release.ModelName)
        .Digest(opened.Release.ModelHash)
        .String(opened.Release.Template)
        .String(opened.Release.PolicyVersion)
        .Digest(opened.Release.PolicyHash)
        .Decimal(opened.Sampling.Temperature)
        .Decimal(opened.Sampling.TopP)
        .Int32(opened.Sampling.TopK)
        .Decimal(opened.Sampling.RepetitionPenalty)
        .Int64((long)opened.Sampling.Seed)
        .Int32(opened.Sampling.MaxTokens)
        .Int32(opened.Sampling.ReasoningBudget)
        .List(opened.Sampling.StopStrings, (w, stop) => w.String(stop))
        .Int32(opened.Context.Window)
        .Int32(opened.Context.Reserved)
        .Int32(opened.Context.Policy)
        .Int32(opened.Context.History)
        .Int32(opened.Context.Passages)
        .Int32(opened.Context.Input)
        .Int32(opened.Context.TurnsKept)
        .Int32(opened.Context.TurnsDropped)
        .Int32(promptIds.Length / 4)
        .Confidential(fields, Digest.Of(promptIds).ToArray())
        .Optional(opened.Numerics, (w, numerics) => w.Digest(numerics))
        .Optional(opened.Lexicon, (w, lexicon) => w.Digest(lexicon))
        .Hits(opened.Hits, fields)
        .Optional(opened.PersonalData, PersonalItems.Write)
        .Optional(opened.Disclosure, (w, disclosure) => w.String(disclosure.Notice).Byte((byte)(disclosure.IsLabelled ? 1 : 0)));

    public static (TurnOpened Opened, int PromptCount, Digest PromptHash, Digest Prompt, Digest Sealed) DecodeTurnOpened(
        ReadOnlySpan<byte> skeleton, FieldReader fields, ConversationKey key, int turn, long epoch, DateTimeOffset time)
    {
        var reader = new ByteReader(skeleton);
        var opened = new TurnOpened
        {
            Key = key,
            Turn = turn,
            Epoch = epoch,
            Time = time,
            RequestId = reader.String(),
            PayloadHash = fields.Hash(reader.Digest()),
            Deadline = reader.Time(),
            Caller = reader.String(),
            Input = fields.Text(reader.Digest()),
            LanguageCode = reader.String(),
            Passages = reader.List((ref ByteReader r) => new Passage(r.String(), r.String(), fields.Text(r.Digest()))),
            Release = new Release(reader.String(), reader.Digest(), reader.String(), reader.String(), reader.Digest()),
            Sampling = new SamplingSettings
            {
                Temperature = reader.Decimal(),
                TopP = reader.Decimal(),
                TopK = reader.Int32(),
                RepetitionPenalty = reader.Decimal(),
                Seed = (ulong)reader.Int64(),
                MaxTokens = reader.Int32(),
                ReasoningBudget = reader.Int32(),
                StopStrings = reader.List((ref ByteReader r) => r.String()),
            },
            Context = new ContextReport(
                reader.Int32(), reader.Int32(), reader.Int32(), reader.Int32(),
                reader.Int32(), reader.Int32(), reader.Int32(), reader.Int32()),
        };
        var (count, hash) = (reader.Int32(), fields.Hash(reader.Digest()));
        opened = opened with
        {
            Numerics = reader.Present() ? reader.Digest() : null,
            Lexicon = reader.Present() ? reader.Digest() : null,
            Hits = LexiconHits.Read(ref reader, fields),
            PersonalData = reader.Present() ? PersonalItems.Read(ref reader) : null,
            Disclosure = reader.Present() ? new(reader.String(), reader.Present()) : null,
        };
        var (prompt, digest) = (reader.Digest(), reader.Digest());
        reader.End();
        fields.End();
        return (opened, count, hash, prompt, digest);
    }

    public static ByteWriter Encode(TurnClosed closed, FieldWriter fields) => new ByteWriter()
        .Byte((byte)closed.Outcome)
        .String(closed.FinishReason)
        .Optional(closed.Error, (w, error) => w.Confidential(fields, error))
        .Optional(closed.CancelledBy, (w, caller) => w.String(caller))
        .Int32(closed.Usage.Prompt)
        .Int32(closed.Usage.Reasoning)
        .Int32(closed.Usage.Answer)
        .Confidential(fields, TokenIds.Encode(closed.TrailingTokenIds))
        .Confidential(fields, closed.Reasoning)
        .Confidential(fields, closed.Answer)
        .Optional(closed.FirstTokenTime, (w, time) => w.Time(time))
        .Points(closed.ResumePoints)
        .Optional(closed.Lexicon, (w, lexicon) => w.Digest(lexicon))
        .Hits(closed.Hits, fields)
        .Optional(closed.PersonalData, PersonalItems.Write)
        .Optional(closed.Held, (w, held) => w.Confidential(fields, held));

    public static (TurnClosed Closed, Digest Sealed) DecodeTurnClosed(
        ReadOnlySpan<byte> skeleton, FieldReader fields, ConversationKey key, int turn, long epoch, DateTimeOffset time, int pieceCount)
    {
        var reader = new ByteReader(skeleton);
        var closed = new TurnClosed
        {
            Key = key,
            Turn = turn,
            Epoch = epoch,
            Time = time,
            PieceCount = pieceCount,
            Outcome = (Outcome)reader.Byte(),
            FinishReason = reader.String(),
            Error = reader.Present() ? fields.Text(reader.Digest()) : null,
            CancelledBy = reader.Present() ? reader.String() : null,
            Usage = new Usage(reader.Int32(), reader.Int32(), reader.Int32()),
            TrailingTokenIds = fields.TokenIds(reader.Digest()),
            Reasoning = fields.Text(reader.Digest()),
            Answer = fields.Text(reader.Digest()),
            FirstTokenTime = reader.Present() ? reader.Time() : null,
            ResumePoints = ResumePoints.Read(ref reader),
            Lexicon = reader.Present() ? reader.Digest() : null,
            Hits = LexiconHits.Read(ref reader, fields),
            PersonalData = reader.Present() ? PersonalItems.Read(ref reader) : null,
            Held = reader.Present() ? fields.Text(reader.Digest()) : null,
        };
        var digest = reader.Digest();
        reader.End();
        fields.End();
        return Enum.IsDefined(closed.Outcome) ? (closed, digest) : throw new InvalidDataException($"the outcome is {(int)closed.Outcome}");
    }

    public static byte[] Encode(ConversationCompleted completed) => new ByteWriter()
        .String(completed.Caller)
        .Optional(completed.RequestId, (w, id) => w.String(id))
        .String(completed.Reason)
        .ToArray();

    public static ConversationCompleted DecodeConversationCompleted(ReadOnlySpan<byte> payload, ConversationKey key, long epoch, DateTimeOffset time)
    {
        var reader = new ByteReader(payload);
        var completed = new ConversationCompleted
        {
            Key = key,
            Epoch = epoch,
            Time = time,
            Caller = reader.String(),
            RequestId = reader.Present() ? reader.String() : null,
            Reason = reader.String(),
        };
        reader.End();
        return completed;
    }

    private static ByteWriter Confidential(this ByteWriter skeleton, FieldWriter fields, string text) => skeleton.Confidential(fields, ByteWriter.StrictUtf8.GetBytes(text));

    private static ByteWriter Confidential(this ByteWriter skeleton, FieldWriter fields, ReadOnlySpan<byte> field) => skeleton.Digest(fields.Commit(field));
}
