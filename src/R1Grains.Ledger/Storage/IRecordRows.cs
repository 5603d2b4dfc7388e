using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

/// <summary>The rows that one transaction sees, its own included. A store finds and adds them; <see cref="WriteRules"/> decides.</summary>
internal interface IRecordRows
{
    IRegistryRows Registry { get; }

    StoredHead? FindHead(ConversationKey key);

    /// <summary>Name of the conversation that the tenant's caller created with this request.</summary>
    string? FindCreation(string tenant, string caller, string requestId);

    RecordedEntry? FindEntry(StoredHead head, EntryKind kind, int turn);

    /// <summary>The turn that this request opened.</summary>
    int? FindTurn(StoredHead head, string requestId);

    JournalPiece? FindPiece(StoredHead head, int turn, int number);

    /// <summary>All pieces of the turn, in order.</summary>
    IReadOnlyList<JournalPiece> Pieces(StoredHead head, int turn);

    StoredHead Add(ConversationCreation creation, ConversationHead head);

    /// <param name="signature">Line beneath the <see cref="Tree.Promise"/> of it.</param>
    void Add(StoredHead head, Entry entry, Digest leaf, string? requestId = null, string? signature = null);

    /// <param name="hash">The running hash after it.</param>
    void Add(StoredHead head, int turn, JournalPiece piece, Digest hash);
}

/// <param name="Signature">Line beneath the <see cref="Tree.Promise"/> of it.</param>
internal sealed record RecordedEntry(Entry Entry, Digest Leaf, string? Signature);
