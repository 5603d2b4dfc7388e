namespace R1Grains.Ledger.Format;

/// <summary>
/// What a ledger entry says, written in format 3 and read in all. An entry's place (key, index, turn, epoch, time) stands in its envelope and not
/// here. The order of the fields is the format: see FORMAT.md.
/// </summary>
internal static class Payload
{
    public static byte[] Encode(ConversationOpened opened) => new ByteWriter()
        .String(opened.RequestId)
        .Digest(opened.PayloadHash)
        .String(opened.Caller)
        .String(opened.Channel)
        .String(opened.Customer)
        .String(opened.Agent)
        .String(opened.LanguageCode)
        .List(opened.Labels, (w, label) => w.String(label.Name).String(label.Value))
        .Int64(Microseconds.Of(opened.IdleTimeout))
        .ToArray();

    public static ConversationOpened DecodeConversationOpened(ReadOnlySpan<byte> payload, ConversationKey key, DateTimeOffset time)
    {
        var reader = new ByteReader(payload);
        var opened = new ConversationOpened
        {
            Key = key,
            Time = time,
            RequestId = reader.String(),
            PayloadHash = reader.Digest(),
            Caller = reader.String(),
            Channel = reader.String(),
            Customer = reader.String(),
            Agent = reader.String(),
            LanguageCode = reader.String(),
            Labels = reader.List((ref ByteReader r) => new Label(r.String(), r.String())),
            IdleTimeout = Microseconds.ToSpan(reader.Int64()),
        };
        reader.End();
        return opened;
    }

    /// <param name="promptIds">From <see cref="TokenIds"/>; the payload holds their count and SHA-256.</param>
    public static byte[] Encode(TurnOpened opened, ReadOnlySpan<byte> promptIds) => new ByteWriter()
        .String(opened.RequestId)
        .Digest(opened.PayloadHash)
        .Time(opened.Deadline)
        .String(opened.Caller)
        .String(opened.Input)
        .String(opened.LanguageCode)
        .List(opened.Passages, (w, passage) => w.String(passage.Source).String(passage.Revision).String(passage.Text))
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
        .Digest(Digest.Of(promptIds))
        .Optional(opened.Numerics, (w, numerics) => w.Digest(numerics))
        .Optional(opened.Lexicon, (w, lexicon) => w.Digest(lexicon))
        .Bytes(LexiconHits.Encode(opened.Hits))
        .Optional(opened.PersonalData, PersonalItems.Write)
        .ToArray();

    public static (TurnOpened Opened, int PromptCount, Digest PromptHash) DecodeTurnOpened(
        ReadOnlySpan<byte> payload, byte format, ConversationKey key, int turn, long epoch, DateTimeOffset time)
    {
        var reader = new ByteReader(payload);
        var opened = new TurnOpened
        {
            Key = key,
            Turn = turn,
            Epoch = epoch,
            Time = time,
            RequestId = reader.String(),
            PayloadHash = reader.Digest(),
            Deadline = reader.Time(),
            Caller = reader.String(),
            Input = reader.String(),
            LanguageCode = reader.String(),
            Passages = reader.List((ref ByteReader r) => new Passage(r.String(), r.String(), r.String())),
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
        var (count, hash) = (reader.Int32(), reader.Digest());
        opened = opened with { Numerics = reader.Present() ? reader.Digest() : null };
        if (format >= 2) opened = opened with { Lexicon = reader.Present() ? reader.Digest() : null, Hits = LexiconHits.Read(ref reader) };
        if (format >= 3) opened = opened with { PersonalData = reader.Present() ? PersonalItems.Read(ref reader) : null };
        reader.End();
        return (opened, count, hash);
    }

    public static byte[] Encode(TurnClosed closed) => new ByteWriter()
        .Byte((byte)closed.Outcome)
        .String(closed.FinishReason)
        .Optional(closed.Error, (w, error) => w.String(error))
        .Optional(closed.CancelledBy, (w, caller) => w.String(caller))
        .Int32(closed.Usage.Prompt)
        .Int32(closed.Usage.Reasoning)
        .Int32(closed.Usage.Answer)
        .List(closed.TrailingTokenIds, (w, id) => w.Int32(id))
        .String(closed.Reasoning)
        .String(closed.Answer)
        .Optional(closed.FirstTokenTime, (w, time) => w.Time(time))
        .Bytes(ResumePoints.Encode(closed.ResumePoints))
        .Optional(closed.Lexicon, (w, lexicon) => w.Digest(lexicon))
        .Bytes(LexiconHits.Encode(closed.Hits))
        .Optional(closed.PersonalData, PersonalItems.Write)
        .Optional(closed.Held, (w, held) => w.String(held))
        .ToArray();

    public static TurnClosed DecodeTurnClosed(
        ReadOnlySpan<byte> payload, byte format, ConversationKey key, int turn, long epoch, DateTimeOffset time, int pieceCount)
    {
        var reader = new ByteReader(payload);
        var closed = new TurnClosed
        {
            Key = key,
            Turn = turn,
            Epoch = epoch,
            Time = time,
            PieceCount = pieceCount,
            Outcome = (Outcome)reader.Byte(),
            FinishReason = reader.String(),
            Error = reader.Present() ? reader.String() : null,
            CancelledBy = reader.Present() ? reader.String() : null,
            Usage = new Usage(reader.Int32(), reader.Int32(), reader.Int32()),
            TrailingTokenIds = reader.List((ref ByteReader r) => r.Int32()),
            Reasoning = reader.String(),
            Answer = reader.String(),
            FirstTokenTime = reader.Present() ? reader.Time() : null,
            ResumePoints = ResumePoints.Read(ref reader),
        };
        if (format >= 2) closed = closed with { Lexicon = reader.Present() ? reader.Digest() : null, Hits = LexiconHits.Read(ref reader) };
        if (format >= 3) closed = closed with { PersonalData = reader.Present() ? PersonalItems.Read(ref reader) : null, Held = reader.Present() ? reader.String() : null };
        reader.End();
        return Enum.IsDefined(closed.Outcome) ? closed : throw new InvalidDataException($"the outcome is {(int)closed.Outcome}");
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
}
