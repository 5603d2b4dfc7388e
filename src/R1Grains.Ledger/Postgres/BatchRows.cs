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
    private readonly Dictionary<(string Tenant, string Caller, string RequestId), RecordedCreation> _creations = [];
    private readonly Dictionary<(StoredHead, EntryKind, int Turn), RecordedEntry> _entries = [];
    private readonly Dictionary<(StoredHead, string RequestId), int> _turns = [];
    private readonly Dictionary<(StoredHead, int Turn, int Number), JournalPiece> _pieces = [];
    private readonly Dictionary<(StoredHead, int Turn), Said> _said = [];

    IRegistryRows IRecordRows.Registry => Registry;

    public RegistryRows Registry { get; } = new();

    public IEnumerable<StoredHead> ChangedHeads => _heads.Values.Where(stored => stored.Changed);

    public List<(ConversationOpened Opened, StoredHead Head)> NewHeads { get; } = [];

    public List<(StoredHead Head, Entry Entry, Digest Leaf, string? RequestId, byte[]? Prompt, string? Signature)> NewEntries { get; } = [];

    public List<(StoredHead Head, int Turn, JournalPiece Piece, Digest Hash)> NewPieces { get; } = [];

    public void Loaded(StoredHead head) => _heads[head.Head.Key] = head;

    public void Loaded(string tenant, string caller, string requestId, RecordedCreation creation) => _creations[(tenant, caller, requestId)] = creation;

    public void Loaded(StoredHead head, string requestId, int turn) => _turns[(head, requestId)] = turn;

    public void Loaded(StoredHead head, RecordedEntry entry) => _entries[(head, entry.Entry.Kind, entry.Entry.Turn)] = entry;

    public void Loaded(StoredHead head, int turn, JournalPiece piece) => _pieces[(head, turn, piece.Number)] = piece;

    public void Loaded(StoredHead head, int turn, Said said) => _said[(head, turn)] = said;

    public StoredHead? FindHead(ConversationKey key) => _heads.GetValueOrDefault(key);

    public RecordedCreation? FindCreation(string tenant, string caller, string requestId) => _creations.GetValueOrDefault((tenant, caller, requestId));

    public RecordedEntry? FindEntry(StoredHead head, EntryKind kind, int turn) => _entries.GetValueOrDefault((head, kind, turn));

    public int? FindTurn(StoredHead head, string requestId) => _turns.TryGetValue((head, requestId), out var turn) ? turn : null;

    public JournalPiece? FindPiece(StoredHead head, int turn, int number) => _pieces.GetValueOrDefault((head, turn, number));

    public Said Said(StoredHead head, int turn)
    {
        var before = _said.GetValueOrDefault((head, turn));
        var here = NewPieces.Where(added => added.Head == head && added.Turn == turn).Select(added => added.Piece).ToList();
        if (here.Count == 0)
            return before ?? new Said([], []);
        return new Said(
            [.. before?.Text ?? [], .. here.SelectMany(piece => piece.Text)],
            [.. before?.ResumePoints ?? [], .. here.SelectMany(piece => ResumePoints.Decode(piece.ResumePoints))]);
    }

    public StoredHead Add(ConversationOpened opened, ConversationHead head, byte[] payload)
    {
        var stored = _heads[opened.Key] = new StoredHead(0, head);
        NewHeads.Add((opened, stored));
        Loaded(opened.Key.Tenant, opened.Caller, opened.RequestId, new RecordedCreation(opened.Key.Conversation, payload));
        return stored;
    }

    public void Add(StoredHead head, Entry entry, Digest leaf, string? requestId, byte[]? prompt, string? signature)
    {
        NewEntries.Add((head, entry, leaf, requestId, prompt, signature));
        Loaded(head, new RecordedEntry(entry, leaf, signature));
        if (requestId is not null)
            Loaded(head, requestId, entry.Turn);
    }

    public void Add(StoredHead head, int turn, JournalPiece piece, Digest hash)
    {
        NewPieces.Add((head, turn, piece, hash));
        Loaded(head, turn, piece);
    }
}
