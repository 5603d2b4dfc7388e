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
/// <param name="Payload">Of an entry with nothing confidential in it, the whole of it is the skeleton.</param>
/// <param name="Pieces">Only of a turn_closed: what it commits to.</param>
internal sealed record Entry(
    long Index,
    EntryKind Kind,
    int Turn,
    long Epoch,
    long Time,
    SealedPayload Payload,
    (int Count, Digest Hash)? Pieces)
{
    /// <summary>Formats 1 to 3 were those of programs before the first release; their entries are refused.</summary>
    public const byte CurrentFormat = 4;

    public byte Format { get; init; } = CurrentFormat;

    /// <summary>SHA-256(0x00 ‖ envelope). The envelope holds the skeleton's digest in place of the skeleton, so that this can be withheld and the chain still verifies.</summary>
    public Digest Leaf(ConversationKey key, Digest previous)
    {
        var envelope = new ByteWriter(512)
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
            .Digest(Digest.Of(Payload.Skeleton));
        if (Pieces is var (count, hash))
            envelope.Int32(count).Digest(hash);
        return Digest.Of(envelope.Written);
    }
}
