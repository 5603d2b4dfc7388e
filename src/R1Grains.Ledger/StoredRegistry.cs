using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger;

/// <summary>The registry lies beside the record and goes through its writers: what holds for an append holds for a change.</summary>
internal sealed class StoredRegistry(StoredRecord record) : IRegistry
{
    public Task<AdministrativeEntry> AppendAsync(AdministrativeRecord record, CancellationToken cancellation = default) => ChangeAsync(record, [], cancellation);

    public Task<AdministrativeEntry> ChangeAsync(AdministrativeRecord change, IReadOnlyList<DocumentChange> changes, CancellationToken cancellation = default)
    {
        StoredRecord.RequireName(change.Tenant, "tenant");
        StoredRecord.RequireName(change.Actor, "actor");
        StoredRecord.RequireName(change.Action, "action");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(changes.Count, IRegistry.ChangesMax);
        foreach (var document in changes)
        {
            StoredRecord.RequireName(document.Kind, "kind");
            StoredRecord.RequireName(document.Id, "document id");
            if (document.Content is { Length: > IRegistry.ContentLengthMax } content)
                throw new ArgumentException($"A document has at most {IRegistry.ContentLengthMax} bytes; this has {content.Length}.");
            if (document is { Content: null, ExpectedVersion: 0 })
                throw new ArgumentException($"{document.Kind} '{document.Id}' is removed where none is expected.");
        }
        if (changes.DistinctBy(document => (document.Kind, document.Id)).Count() < changes.Count)
            throw new ArgumentException("A document is changed twice at once.");
        return record.Write(new RegistryChange(change, changes), cancellation);
    }

    public Task<Document?> FindAsync(DocumentKey key, CancellationToken cancellation = default) => record.Read(key.Tenant, reads => reads.Document(key), cancellation);

    public Task<IReadOnlyList<Document>> ListAsync(string tenant, string kind, int pageSize, string? after = null, CancellationToken cancellation = default)
    {
        StoredRecord.RequireSize(pageSize);
        return record.Read(tenant, reads => reads.Documents(tenant, kind, pageSize, after ?? ""), cancellation);
    }

    public Task<Page<AdministrativeEntry>> ListEntriesAsync(string tenant, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        StoredRecord.RequireSize(pageSize);
        return record.Read(tenant, reads => reads.AdministrativeEntries(tenant, pageSize, after ?? -1), cancellation);
    }

    public Task<Page<AdministrativeEntry>> ListLatestEntriesAsync(
        string tenant, int pageSize, long? before = null, DateTimeOffset? from = null, DateTimeOffset? until = null, CancellationToken cancellation = default)
    {
        StoredRecord.RequireSize(pageSize);
        return record.Read(
            tenant, reads => reads.LatestEntries(tenant, pageSize, before ?? long.MaxValue, from is { } first ? Microseconds.Of(first) : long.MinValue, until is { } end ? Microseconds.Of(end) : long.MaxValue), cancellation);
    }

    public Task<long> CountChangesAsync(CancellationToken cancellation = default) => record.Read(null, reads => reads.Changes(), cancellation);

    public Task<IReadOnlyList<Document>> ListChangedAsync(IReadOnlyCollection<string> kinds, long after, int limit, CancellationToken cancellation = default)
    {
        StoredRecord.RequireSize(limit);
        return kinds.Count == 0 ? Task.FromResult<IReadOnlyList<Document>>([]) : record.Read(null, reads => reads.Changed(kinds, after, limit), cancellation);
    }
}
