using System.Data.Common;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <summary>A conversation as it stands in the record.</summary>
/// <param name="Number">Counts conversations in the order of creation.</param>
/// <param name="LastActivity">Microseconds.</param>
internal sealed record ConversationRow(
    ConversationKey Key, long Number, DataKeyId DataKey, long LastActivity, int TurnCount, bool TurnIsOpen, Entry Opened, Entry? Completed)
{
    public static string Select(RecordReads reads) => $"""
        SELECT h.tenant, h.name, h.id, h.data_key, h.last_activity, h.next_turn, h.deadline IS NOT NULL, o.time, o.skeleton, o.sealed, c.epoch, c.time, c.skeleton
        FROM conversation_head h
        JOIN entry o ON {reads.RowsOfHead("o")} AND o.idx = 0
        LEFT JOIN entry c ON {reads.RowsOfHead("c")} AND c.idx = h.next_index - 1 AND c.kind = 4
        """;

    public static ConversationRow Read(DbDataReader row) => new(
        new(row.GetString(0), row.GetString(1)),
        row.GetInt64(2),
        DataKeyId.Of(row.Bytes(3)),
        row.GetInt64(4),
        row.Int32(5) - 1,
        row.GetBoolean(6),
        new Entry(0, EntryKind.ConversationOpened, 0, 0, row.GetInt64(7), new(row.Bytes(8), row.Bytes(9)), null),
        row.IsDBNull(10) ? null : new Entry(0, EntryKind.ConversationCompleted, 0, row.GetInt64(10), row.GetInt64(11), new(row.Bytes(12), Sealed: null), null));

    /// <param name="key">Null where it was destroyed.</param>
    /// <exception cref="InvalidDataException"/>
    public Conversation Open(DataKey? key)
    {
        var fields = key is null ? FieldReader.Withheld : FieldReader.Of(ConfidentialField.Open(key, Opened.Payload.Sealed!, SealedPlace.Of(Key, Opened.Kind, 0, key.Id)));
        var (opened, subject, dataKey, _) = Payload.DecodeConversationOpened(Opened.Payload.Skeleton, fields, Key, Microseconds.ToTime(Opened.Time));
        return new Conversation(
            opened,
            Microseconds.ToTime(LastActivity),
            TurnCount,
            TurnIsOpen,
            Completed is { } completed ? Payload.DecodeConversationCompleted(completed.Payload.Skeleton, Key, completed.Epoch, Microseconds.ToTime(completed.Time)) : null)
        {
            IsErased = key is null,
            DataKey = dataKey,
            IsOfCustomer = subject.Kind is SubjectKind.Customer,
        };
    }
}
