using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

/// <summary>The rows that one transaction sees, its own included. A store finds and adds them; <see cref="WriteRules"/> decides.</summary>
internal interface IRecordRows
{
    IRegistryRows Registry { get; }

    StoredHead? FindHead(ConversationKey key);

    /// <summary>What the tenant's caller created with this request.</summary>
    RecordedCreation? FindCreation(string tenant, string caller, string requestId);

    RecordedEntry? FindEntry(StoredHead head, EntryKind kind, int turn);

    /// <summary>The turn that this request opened.</summary>
    int? FindTurn(StoredHead head, string requestId);

    JournalPiece? FindPiece(StoredHead head, int turn, int number);

    /// <summary>All pieces of the turn, joined.</summary>
    Said Said(StoredHead head, int turn);

    StoredHead Add(ConversationOpened opened, ConversationHead head, byte[] payload);

    /// <param name="signature">Line beneath the <see cref="Tree.Promise"/> of it.</param>
    void Add(StoredHead head, Entry entry, Digest leaf, string? requestId = null, byte[]? prompt = null, string? signature = null);

    /// <param name="hash">The running hash after it.</param>
    void Add(StoredHead head, int turn, JournalPiece piece, Digest hash);
}

/// <param name="Name">Of the conversation.</param>
/// <param name="Payload">Of its first entry.</param>
internal sealed record RecordedCreation(string Name, byte[] Payload);

/// <param name="Signature">Line beneath the <see cref="Tree.Promise"/> of it.</param>
internal sealed record RecordedEntry(Entry Entry, Digest Leaf, string? Signature);

/// <param name="Text">UTF-8.</param>
internal sealed record Said(byte[] Text, IReadOnlyList<ResumePoint> ResumePoints);
