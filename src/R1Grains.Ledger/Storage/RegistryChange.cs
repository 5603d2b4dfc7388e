using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

internal sealed class RegistryChange : Write<AdministrativeEntry>
{
    private readonly AdministrativeRecord _record;
    private readonly byte[] _payload;

    /// <exception cref="ArgumentException">Longer than a record may be, or not valid Unicode.</exception>
    public RegistryChange(AdministrativeRecord record, IReadOnlyList<DocumentChange> changes)
    {
        (_record, Changes, _payload) = (record, changes, AdministrativePayload.Encode(record));
        var length = _payload.Length + changes.Sum(change => 64 + ByteWriter.StrictUtf8.GetByteCount(change.Kind) + ByteWriter.StrictUtf8.GetByteCount(change.Id));
        if (length > IRegistry.RecordLengthMax)
            throw new ArgumentException($"An administrative record has at most {IRegistry.RecordLengthMax} bytes; this has about {length}.");
    }

    public string Tenant => _record.Tenant;

    public IReadOnlyList<DocumentChange> Changes { get; }

    /// <remarks>No conversation has an empty name: no head is found by it.</remarks>
    public override ConversationKey Key => AdministrativePayload.Chain(Tenant);

    public override DateTimeOffset? RowTime => null;

    public DocumentKey DocumentKey(DocumentChange change) => new(Tenant, change.Kind, change.Id);

    protected override AdministrativeEntry By(WriteRules rules)
    {
        var rows = rules.Registry;
        var marks = new List<DocumentMark>();
        foreach (var change in Changes)
        {
            var stored = rows.FindDocument(DocumentKey(change));
            var found = stored is { Removed: false } there ? there.Version : 0;
            if (found != change.ExpectedVersion)
                throw new DocumentConflictException(DocumentKey(change), change.ExpectedVersion, found);
            marks.Add(new(change.Kind, change.Id, (stored?.Version ?? 0) + 1, change.Content is { } content ? Digest.Of(content) : null));
        }

        var head = rows.FindAdministration(Tenant) ?? new AdministrationHead(0, default);
        var entry = AdministrativePayload.Entry(head.NextIndex, Microseconds.Of(_record.Time), AdministrativePayload.Encode(_payload, marks));
        var leaf = entry.Leaf(Key, head.LastHash);
        rows.Add(Tenant, entry, leaf);
        foreach (var (change, mark) in Changes.Zip(marks))
            rows.Put(DocumentKey(change), mark.Version, change.Content);
        return new(entry.Index, _record with { Time = Microseconds.ToTime(entry.Time), Documents = marks }, leaf);
    }
}
