using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <summary>A turn as it stands in the record.</summary>
/// <param name="Signature">Line beneath the <see cref="Tree.Promise"/> of its end.</param>
internal sealed record TurnRow(
    ConversationKey Key, int Turn, Entry Opened, Digest OpenedLeaf, IReadOnlyList<JournalPiece> Pieces, Entry? Closed, Digest ClosedLeaf, string? Signature)
{
    /// <param name="key">Null where it was destroyed.</param>
    /// <exception cref="InvalidDataException"/>
    public TurnRecord Open(DataKey? key)
    {
        var (opened, _, promptHash, _, _) = Payload.DecodeTurnOpened(Opened.Payload.Skeleton, Fields(Opened, key), Key, Turn, Opened.Epoch, Microseconds.ToTime(Opened.Time));
        return new TurnRecord(
            opened,
            promptHash,
            new Receipt(Key, Opened.Index, OpenedLeaf),
            [.. Pieces.Select(piece => piece.Decode(key is null ? FieldReader.Withheld : FieldReader.Of(piece.Open(key, Key, Turn)), Key, Turn).Piece)],
            Closed is { } closed ? Payload.DecodeTurnClosed(closed.Payload.Skeleton, Fields(closed, key), Key, Turn, closed.Epoch, Microseconds.ToTime(closed.Time), closed.Pieces!.Value.Count).Closed : null,
            Closed is { } end ? Receipts.Of(Key, end.Index, ClosedLeaf, end.Time, Signature) : null)
        {
            IsErased = key is null,
        };
    }

    private FieldReader Fields(Entry entry, DataKey? key) =>
        key is null ? FieldReader.Withheld : FieldReader.Of(ConfidentialField.Open(key, entry.Payload.Sealed!, SealedPlace.Of(Key, entry.Kind, Turn, key.Id)));
}
