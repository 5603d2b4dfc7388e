namespace R1Grains.Ledger;

/// <summary>
/// What is set, and who did what beside the conversations: a chain of administrative records for each tenant, and documents
/// that change only together with such a record. Each write's task completes when it is durable. Every call may throw
/// <see cref="RecordUnavailableException"/>; a write that ends so may have been written, as its document's version tells.
/// </summary>
public interface IRegistry
{
    /// <summary>Stands for the cluster itself where a tenant is named; no tenant has this name.</summary>
    const string Cluster = "*";

    /// <summary>In bytes.</summary>
    const int ContentLengthMax = 16 << 20;

    /// <summary>In bytes, of a record as it is encoded.</summary>
    const int RecordLengthMax = 65_535;

    /// <summary>Documents that one record changes.</summary>
    const int ChangesMax = 16;

    Task<AdministrativeEntry> AppendAsync(AdministrativeRecord record, CancellationToken cancellation = default);

    /// <summary>All of the changes and the record, or nothing.</summary>
    /// <exception cref="DocumentConflictException">A document has another version than expected.</exception>
    Task<AdministrativeEntry> ChangeAsync(AdministrativeRecord record, IReadOnlyList<DocumentChange> changes, CancellationToken cancellation = default);

    /// <summary>Null when there is none.</summary>
    Task<Document?> FindAsync(DocumentKey key, CancellationToken cancellation = default);

    /// <summary>In the order of their ids, byte by byte.</summary>
    /// <param name="after">Null for the first page, else the id of the last one of the page before.</param>
    Task<IReadOnlyList<Document>> ListAsync(string tenant, string kind, int pageSize, string? after = null, CancellationToken cancellation = default);

    /// <summary>In the order of the chain.</summary>
    /// <param name="after">Null for the first page, else <see cref="Page{T}.Next"/>: an index.</param>
    Task<Page<AdministrativeEntry>> ListEntriesAsync(string tenant, int pageSize, long? after = null, CancellationToken cancellation = default);

    /// <summary>The latest first.</summary>
    /// <param name="before">Null for the first page, else <see cref="Page{T}.Next"/>: only those with a smaller index.</param>
    /// <param name="from">Not recorded before this.</param>
    /// <param name="until">Recorded before this.</param>
    Task<Page<AdministrativeEntry>> ListLatestEntriesAsync(string tenant, int pageSize, long? before = null, DateTimeOffset? from = null, DateTimeOffset? until = null, CancellationToken cancellation = default);

    /// <summary>How many times a document was changed: cheap, to see whether anything did.</summary>
    Task<long> CountChangesAsync(CancellationToken cancellation = default);

    /// <summary>Documents of these kinds, of all tenants, removed ones among them, in the order of their last changes.</summary>
    /// <param name="after">0 at first, else <see cref="Document.Change"/> of the last one seen.</param>
    Task<IReadOnlyList<Document>> ListChangedAsync(IReadOnlyCollection<string> kinds, long after, int limit, CancellationToken cancellation = default);
}
