namespace R1Grains.Ledger.Storage;

/// <summary>A conversation's head within a transaction, which writes it back once, however many writes it has for it.</summary>
internal sealed class StoredHead(long id, ConversationHead head)
{
    /// <summary>Counts conversations in the order of creation. 0 until the store has numbered a new one.</summary>
    public long Id { get; set; } = id;

    public ConversationHead Head => head;

    public bool Changed { get; set; }
}
