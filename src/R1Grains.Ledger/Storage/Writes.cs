using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

internal sealed class ConversationCreation(ConversationOpened opened) : Write<(CreationOutcome Outcome, ConversationKey Key)>
{
    private readonly byte[] _payload = Payload.Encode(opened);

    public ConversationOpened Opened => opened;

    public override ConversationKey Key => opened.Key;

    protected override (CreationOutcome Outcome, ConversationKey Key) By(WriteRules rules) => rules.Create(opened, _payload);
}

internal sealed class TakingOver(ConversationKey key) : Write<long?>
{
    public override ConversationKey Key => key;

    protected override long? By(WriteRules rules) => rules.TakeOver(key);
}

/// <summary>An append of a ledger entry.</summary>
internal abstract class EntryAppend : Write<Receipt>
{
    public abstract EntryKind Kind { get; }

    /// <summary>0 for the entries about the conversation itself.</summary>
    public abstract int Turn { get; }
}

internal sealed class TurnOpening(TurnOpened opened, byte[] prompt) : EntryAppend
{
    private readonly byte[] _payload = Payload.Encode(opened, prompt);

    public string RequestId => opened.RequestId;

    public override ConversationKey Key => opened.Key;

    public override EntryKind Kind => EntryKind.TurnOpened;

    public override int Turn => opened.Turn;

    protected override Receipt By(WriteRules rules) => rules.Append(opened, _payload, prompt);
}

internal sealed class TurnClosing(TurnClosed closed) : EntryAppend
{
    private readonly byte[] _payload = Payload.Encode(closed);

    public override ConversationKey Key => closed.Key;

    public override EntryKind Kind => EntryKind.TurnClosed;

    public override int Turn => closed.Turn;

    protected override Receipt By(WriteRules rules) => rules.Append(closed, _payload);
}

internal sealed class ConversationCompletion(ConversationCompleted completed) : EntryAppend
{
    private readonly byte[] _payload = Payload.Encode(completed);

    public override ConversationKey Key => completed.Key;

    public override EntryKind Kind => EntryKind.ConversationCompleted;

    public override int Turn => 0;

    protected override Receipt By(WriteRules rules) => rules.Append(completed, _payload);
}

internal sealed class PieceAppend(Piece piece) : Write<int>
{
    private readonly JournalPiece _piece = JournalPiece.Of(piece);

    public override ConversationKey Key => piece.Key;

    public int Turn => piece.Turn;

    public int Number => piece.Number;

    protected override int By(WriteRules rules)
    {
        rules.Append(piece.Key, piece.Turn, _piece);
        return piece.Number;
    }
}
