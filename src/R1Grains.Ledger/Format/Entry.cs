namespace R1Grains.Ledger.Format;

/// <remarks>The numbers are part of the record's format.</remarks>
internal enum EntryKind
{
    ConversationOpened = 1,
    TurnOpened = 2,
    TurnClosed = 3,
    ConversationCompleted = 4,

    /// <summary>Of a tenant's administrative chain, and of no conversation's.</summary>
    Administrative = 5,
}

/// <summary>One link of a conversation's chain.</summary>
/// <param name="Turn">0 for the entries about the conversation itself.</param>
/// <param name="Time">Microseconds.</param>
/// <param name="Pieces">Only of a turn_closed: what it commits to.</param>
internal sealed record Entry(
    long Index,
    EntryKind Kind,
    int Turn,
    long Epoch,
    long Time,
    byte[] Payload,
    (int Count, Digest Hash)? Pieces)
{
    /// <summary>Of what is written. What was written before is read as it is.</summary>
    public const byte CurrentFormat = 3;

    public const byte OldestFormat = 1;

    /// <summary>Which fields the payload has.</summary>
    public byte Format { get; init; } = CurrentFormat;

    /// <summary>SHA-256(0x00 ‖ envelope). The envelope holds the payload's digest in place of the payload, so that a payload can be withheld and the chain still verifies.</summary>
    public Digest Leaf(ConversationKey key, Digest previous)
    {
        var envelope = new ByteWriter()
            .Byte(0x00)
            .Byte(Format)
            .Byte((byte)Kind)
            .String(key.Tenant)
            .String(key.Conversation)
            .Int64(Index)
            .Int32(Turn)
            .Int64(Epoch)
            .Int64(Time)
            .Digest(previous)
            .Digest(Digest.Of(Payload));
        if (Pieces is var (count, hash))
            envelope.Int32(count).Digest(hash);
        return Digest.Of(envelope.Written);
    }
}

/// <summary>One piece of an open turn.</summary>
/// <param name="Time">Microseconds.</param>
/// <param name="TokenIds">Four bytes each.</param>
/// <param name="Text">UTF-8.</param>
/// <param name="ResumePoints">As <see cref="R1Grains.Ledger.Format.ResumePoints"/> writes them.</param>
internal sealed record JournalPiece(int Number, long Epoch, long Time, byte[] TokenIds, byte[] Text, byte[] ResumePoints)
{
    public static JournalPiece Of(Piece piece) => new(
        piece.Number, piece.Epoch, Microseconds.Of(piece.Time), Format.TokenIds.Encode(piece.TokenIds), ByteWriter.StrictUtf8.GetBytes(piece.Text), Format.ResumePoints.Encode(piece.ResumePoints));

    /// <summary>SHA-256(0x02 ‖ running hash before it ‖ piece). The hash before the first piece is the leaf of the turn_opened.</summary>
    public Digest Hash(Digest previous) => Digest.Of(new ByteWriter()
        .Byte(0x02)
        .Digest(previous)
        .Int32(Number)
        .Int64(Epoch)
        .Int64(Time)
        .Int32(TokenIds.Length / 4)
        .Bytes(TokenIds)
        .Int32(Text.Length)
        .Bytes(Text)
        .Bytes(ResumePoints)
        .Written);
}
