using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <returns>The conversation is the one that the request meets: that of its id, else that of its key. Whether the request is the same one, its reader tells.</returns>
internal sealed class ConversationCreation(ConversationOpened opened, Subject subject, DataKey key) : Write<(CreationOutcome Outcome, ConversationKey Key)>
{
    public ConversationOpened Opened => opened;

    /// <summary>Of the customer; null where nobody said who it is.</summary>
    public Digest? Customer => subject.Kind is SubjectKind.Customer ? subject.Hash : null;

    public DataKeyId DataKey => key.Id;

    public SealedPayload Payload { get; } = Format.Payload.Seal(opened, subject, key);

    public override ConversationKey Key => opened.Key;

    public override DateTimeOffset? RowTime => opened.Time;

    protected override (CreationOutcome Outcome, ConversationKey Key) By(WriteRules rules) => rules.Create(this);
}

internal sealed class TakingOver(ConversationKey key) : Write<long?>
{
    public override ConversationKey Key => key;

    public override DateTimeOffset? RowTime => null;

    protected override long? By(WriteRules rules) => rules.TakeOver(key);
}

/// <summary>An append of a ledger entry.</summary>
internal abstract class EntryAppend : Write<Receipt>
{
    public abstract EntryKind Kind { get; }

    /// <summary>0 for the entries about the conversation itself.</summary>
    public abstract int Turn { get; }

    public abstract long Epoch { get; }

    public abstract DateTimeOffset Time { get; }

    public sealed override DateTimeOffset? RowTime => Time;

    public abstract SealedPayload Payload { get; }

    /// <summary>Whether what is recorded in its place says the same; its salts and nonces are others.</summary>
    public abstract bool IsSaidBy(SealedPayload recorded);

    /// <param name="index">The next one of the chain.</param>
    public Entry ToEntry(long index, (int Count, Digest Hash)? pieces = null) => new(index, Kind, Turn, Epoch, Microseconds.Of(Time), Payload, pieces);

    protected static bool Same(ReadOnlySpan<byte> recorded, int digests, ByteWriter written) =>
        recorded.Length == written.Written.Length + digests * Digest.Length && recorded.StartsWith(written.Written);
}

internal sealed class TurnOpening(TurnOpened opened, byte[] prompt, DataKey key) : EntryAppend
{
    public TurnOpened Opened => opened;

    public override ConversationKey Key => opened.Key;

    public override EntryKind Kind => EntryKind.TurnOpened;

    public override int Turn => opened.Turn;

    public override long Epoch => opened.Epoch;

    public override DateTimeOffset Time => opened.Time;

    public override SealedPayload Payload { get; } = Format.Payload.Seal(opened, prompt, key);

    public override bool IsSaidBy(SealedPayload recorded) =>
        Same(recorded.Skeleton, digests: 2, Format.Payload.Encode(opened, prompt, new FieldWriter(ConfidentialField.Open(key, recorded.Sealed!, SealedPlace.Of(Key, Kind, Turn, key.Id)))));

    protected override Receipt By(WriteRules rules) => rules.Append(this);
}

internal sealed class TurnClosing(TurnClosed closed, DataKey key) : EntryAppend
{
    public TurnClosed Closed => closed;

    public override ConversationKey Key => closed.Key;

    public override EntryKind Kind => EntryKind.TurnClosed;

    public override int Turn => closed.Turn;

    public override long Epoch => closed.Epoch;

    public override DateTimeOffset Time => closed.Time;

    public override SealedPayload Payload { get; } = Format.Payload.Seal(closed, key);

    public override bool IsSaidBy(SealedPayload recorded) =>
        Same(recorded.Skeleton, digests: 1, Format.Payload.Encode(closed, new FieldWriter(ConfidentialField.Open(key, recorded.Sealed!, SealedPlace.Of(Key, Kind, Turn, key.Id)))));

    /// <summary>Why the turn cannot be closed over these pieces; null when it can.</summary>
    public string? Misfit(IReadOnlyList<JournalPiece> pieces)
    {
        var said = pieces.Select(piece => piece.Decode(FieldReader.Of(piece.Open(key, Key, Turn)), Key, Turn).Piece).ToList();
        if (!closed.Answer.AsSpan().SequenceEqual(string.Concat(said.Select(piece => piece.Text))))
            return $"an answer of {closed.Answer.Length} characters that is not its pieces' texts joined";
        var points = said.SelectMany(piece => piece.ResumePoints).ToList();
        return closed.ResumePoints.Take(points.Count).SequenceEqual(points) ? null : "resume points that do not begin with those of its pieces";
    }

    protected override Receipt By(WriteRules rules) => rules.Append(this);
}

internal sealed class ConversationCompletion(ConversationCompleted completed) : EntryAppend
{
    public override ConversationKey Key => completed.Key;

    public override EntryKind Kind => EntryKind.ConversationCompleted;

    public override int Turn => 0;

    public override long Epoch => completed.Epoch;

    public override DateTimeOffset Time => completed.Time;

    public override SealedPayload Payload { get; } = new(Format.Payload.Encode(completed), Sealed: null);

    public override bool IsSaidBy(SealedPayload recorded) => recorded.Skeleton.AsSpan().SequenceEqual(Payload.Skeleton);

    protected override Receipt By(WriteRules rules) => rules.Append(this);
}

internal sealed class PieceAppend(Piece piece, DataKey key) : Write<int>
{
    public JournalPiece Journalled { get; } = JournalPiece.Seal(piece, key);

    public override ConversationKey Key => piece.Key;

    public override DateTimeOffset? RowTime => piece.Time;

    public int Turn => piece.Turn;

    public int Number => piece.Number;

    /// <summary>Whether what is recorded in its place says the same.</summary>
    public bool IsSaidBy(JournalPiece recorded) =>
        recorded.Epoch == Journalled.Epoch && recorded.Time == Journalled.Time
        && recorded.Skeleton.AsSpan(..^Digest.Length).SequenceEqual(JournalPiece.Encode(piece, new FieldWriter(recorded.Open(key, Key, Turn))).Written);

    protected override int By(WriteRules rules)
    {
        rules.Append(this);
        return piece.Number;
    }
}
