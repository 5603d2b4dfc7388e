using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <summary>A turn that has ended, as it stands in the record, with the first entry of its conversation.</summary>
internal sealed record ClosedTurnRow(long Leaf, ConversationKey Key, DataKeyId DataKey, Entry Conversation, Entry Opened, Entry Closed)
{
    /// <param name="key">Null where it was destroyed.</param>
    /// <exception cref="InvalidDataException"/>
    public ClosedTurn Open(DataKey? key) => new(
        Leaf,
        Payload.DecodeConversationOpened(Conversation.Payload.Skeleton, Fields(Conversation, key), Key, Microseconds.ToTime(Conversation.Time)).Opened,
        Payload.DecodeTurnOpened(Opened.Payload.Skeleton, Fields(Opened, key), Key, Opened.Turn, Opened.Epoch, Microseconds.ToTime(Opened.Time)).Opened,
        Payload.DecodeTurnClosed(Closed.Payload.Skeleton, Fields(Closed, key), Key, Closed.Turn, Closed.Epoch, Microseconds.ToTime(Closed.Time), Closed.Pieces!.Value.Count).Closed)
    {
        IsErased = key is null,
        Subject = DataKey.Subject,
    };

    private FieldReader Fields(Entry entry, DataKey? key) =>
        key is null ? FieldReader.Withheld : FieldReader.Of(ConfidentialField.Open(key, entry.Payload.Sealed!, SealedPlace.Of(Key, entry.Kind, entry.Turn, key.Id)));
}
