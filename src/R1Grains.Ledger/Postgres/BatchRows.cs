using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>
/// The rows that a batch meets, loaded before its writes are applied, and those it adds, sent after. The heads are
/// locked meanwhile, so that no other writer comes between.
/// </summary>
internal sealed class BatchRows : IRecordRows
{
    private readonly Dictionary<ConversationKey, StoredHead> _heads = [];
    private readonly Dictionary<(string Tenant, string Caller, string RequestId), string> _creations = [];
    private readonly Dictionary<(StoredHead, EntryKind, int Turn), RecordedEntry> _entries = [];
    private readonly Dictionary<(StoredHead, string RequestId), int> _turns = [];
    private readonly Dictionary<(StoredHead, int Turn, int Number), JournalPiece> _pieces = [];
    private readonly Dictionary<(StoredHead, int Turn), IReadOnlyList<JournalPiece>> _turnPieces = [];
    private readonly Dictionary<StoredHead, (long First, long Last)> _times = [];

    IRegistryRows IRecordRows.Registry => Registry;

    public RegistryRows Registry { get; } = new();

    public IEnumerable<StoredHead> ChangedHeads => _heads.Values.Where(stored => stored.Changed);

    public List<(ConversationCreation Creation, StoredHead Head)> NewHeads { get; } = [];

    public List<NewEntry> NewEntries { get; } = [];

    public List<NewPiece> NewPieces { get; } = [];

    /// <summary>Between which the rows lie that the batch adds to a conversation, in microseconds; null where it adds none.</summary>
    public (long First, long Last)? FindTimes(StoredHead head) => _times.TryGetValue(head, out var times) ? times : null;

    public void Loaded(StoredHead head) => _heads[head.Head.Key] = head;

    public void Loaded(string tenant, string caller, string requestId, string name) => _creations[(tenant, caller, requestId)] = name;

    public void Loaded(StoredHead head, string requestId, int turn) => _turns[(head, requestId)] = turn;

    public void Loaded(StoredHead head, RecordedEntry entry) => _entries[(head, entry.Entry.Kind, entry.Entry.Turn)] = entry;

    public void Loaded(StoredHead head, int turn, JournalPiece piece) => _pieces[(head, turn, piece.Number)] = piece;

    public void Loaded(StoredHead head, int turn, IReadOnlyList<JournalPiece> pieces) => _turnPieces[(head, turn)] = pieces;

    public StoredHead? FindHead(ConversationKey key) => _heads.GetValueOrDefault(key);

    public string? FindCreation(string tenant, string caller, string requestId) => _creations.GetValueOrDefault((tenant, caller, requestId));

    public RecordedEntry? FindEntry(StoredHead head, EntryKind kind, int turn) => _entries.GetValueOrDefault((head, kind, turn));

    public int? FindTurn(StoredHead head, string requestId) => _turns.TryGetValue((head, requestId), out var turn) ? turn : null;

    public JournalPiece? FindPiece(StoredHead head, int turn, int number) => _pieces.GetValueOrDefault((head, turn, number));

    public IReadOnlyList<JournalPiece> Pieces(StoredHead head, int turn) =>
        [.. _turnPieces.GetValueOrDefault((head, turn)) ?? [], .. NewPieces.Where(added => added.Head == head && added.Turn == turn).Select(added => added.Piece)];

    public StoredHead Add(ConversationCreation creation, ConversationHead head)
    {
        var opened = creation.Opened;
        var stored = _heads[opened.Key] = new StoredHead(0, head);
        NewHeads.Add((creation, stored));
        Loaded(opened.Key.Tenant, opened.Caller, opened.RequestId, opened.Key.Conversation);
        return stored;
    }

    public void Add(StoredHead head, Entry entry, Digest leaf, string? requestId, string? signature)
    {
        NewEntries.Add(new(head, entry, leaf, requestId, signature));
        Extend(head, entry.Time);
        Loaded(head, new RecordedEntry(entry, leaf, signature));
        if (requestId is not null)
            Loaded(head, requestId, entry.Turn);
    }

    public void Add(StoredHead head, int turn, JournalPiece piece, Digest hash)
    {
        NewPieces.Add(new(head, turn, piece, hash));
        Extend(head, piece.Time);
        Loaded(head, turn, piece);
    }

    private void Extend(StoredHead head, long time) =>
        _times[head] = _times.TryGetValue(head, out var times) ? (Math.Min(times.First, time), Math.Max(times.Last, time)) : (time, time);
}

/// <param name="Signature">Line of the receipt.</param>
internal sealed record NewEntry(StoredHead Head, Entry Entry, Digest Leaf, string? RequestId, string? Signature);

/// <param name="Hash">The running hash after it.</param>
internal sealed record NewPiece(StoredHead Head, int Turn, JournalPiece Piece, Digest Hash);
