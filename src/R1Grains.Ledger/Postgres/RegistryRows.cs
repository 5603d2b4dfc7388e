using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>
/// The registry's rows of a batch: those it meets, and those it adds. The tenants' chains are locked meanwhile, and with
/// them the tenants' documents.
/// </summary>
internal sealed class RegistryRows : IRegistryRows
{
    /// <summary>In the order of their names, whoever locks, and after the heads of conversations.</summary>
    public const string Administrations = """
        SELECT a.tenant, a.next_index, a.last_hash FROM unnest($1) AS k (tenant) JOIN administration a ON a.tenant = k.tenant
        ORDER BY a.tenant FOR NO KEY UPDATE OF a
        """;

    public const string Documents = """
        SELECT d.tenant, d.kind, d.id, d.version, d.content IS NULL
        FROM unnest($1, $2, $3) AS k (tenant, kind, id) JOIN document d ON d.tenant = k.tenant AND d.kind = k.kind AND d.id = k.id
        """;

    private const string InsertAdministrations = "INSERT INTO administration (tenant, next_index, last_hash) SELECT * FROM unnest($1, $2, $3)";

    private const string UpdateAdministrations = """
        UPDATE administration a SET next_index = u.next_index, last_hash = u.last_hash
        FROM unnest($1, $2, $3) AS u (tenant, next_index, last_hash) WHERE a.tenant = u.tenant
        """;

    private const string InsertRecords = "INSERT INTO administrative_record (tenant, idx, format, time, hash, payload, writer, batch) SELECT *, $7, $8 FROM unnest($1, $2, $3, $4, $5, $6)";

    /// <summary>The count is held to the end of the transaction: changes become visible in their order.</summary>
    private const string PutDocuments = """
        WITH counted AS (UPDATE registry_change SET changes = changes + cardinality($1) RETURNING changes - cardinality($1) AS before)
        INSERT INTO document (tenant, kind, id, version, change, content)
        SELECT u.tenant, u.kind, u.id, u.version, counted.before + u.ordinality, u.content
        FROM counted, unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS u (tenant, kind, id, version, content, ordinality)
        ON CONFLICT (tenant, kind, id) DO UPDATE SET version = excluded.version, change = excluded.change, content = excluded.content
        """;

    private readonly Dictionary<string, AdministrationHead> _heads = [];
    private readonly HashSet<string> _known = [];
    private readonly Dictionary<DocumentKey, StoredDocument> _documents = [];
    private readonly List<(string Tenant, Entry Entry, Digest Leaf)> _records = [];
    private readonly Dictionary<DocumentKey, (long Version, byte[]? Content)> _put = [];

    public void Loaded(string tenant, AdministrationHead head)
    {
        _heads[tenant] = head;
        _known.Add(tenant);
    }

    public void Loaded(DocumentKey key, StoredDocument document) => _documents[key] = document;

    public AdministrationHead? FindAdministration(string tenant) => _heads.GetValueOrDefault(tenant);

    public StoredDocument? FindDocument(DocumentKey key) => _documents.GetValueOrDefault(key);

    public void Add(string tenant, Entry entry, Digest leaf)
    {
        _records.Add((tenant, entry, leaf));
        _heads[tenant] = new AdministrationHead(entry.Index + 1, leaf);
    }

    public void Put(DocumentKey key, long version, byte[]? content)
    {
        _put[key] = (version, content);
        _documents[key] = new StoredDocument(version, content is null);
    }

    /// <summary>What makes the added rows; nothing where there are none.</summary>
    /// <param name="batch">Number of the writer's batch.</param>
    public IEnumerable<NpgsqlBatchCommand> Commands(Guid writer, long batch)
    {
        if (_records.Count == 0)
            yield break;
        var changed = _records.Select(added => added.Tenant).Distinct().ToLookup(_known.Contains);
        foreach (var (sql, tenants) in new[] { (InsertAdministrations, changed[false].ToArray()), (UpdateAdministrations, changed[true].ToArray()) })
        {
            if (tenants.Length > 0)
                yield return Values.Command(sql, Values.Of(tenants, tenant => tenant), Values.Of(tenants, tenant => _heads[tenant].NextIndex), Values.Of(tenants, tenant => _heads[tenant].LastHash.ToArray()));
        }
        yield return Values.Command(
            InsertRecords,
            Values.Of(_records, row => row.Tenant),
            Values.Of(_records, row => row.Entry.Index),
            Values.Of(_records, row => (short)row.Entry.Format),
            Values.Of(_records, row => row.Entry.Time),
            Values.Of(_records, row => row.Leaf.ToArray()),
            Values.Of(_records, row => row.Entry.Payload.Skeleton),
            Values.Of(writer),
            Values.Of(batch));
        if (_put.ToArray() is { Length: > 0 } put)
        {
            yield return Values.Command(
                PutDocuments,
                Values.Of(put, row => row.Key.Tenant),
                Values.Of(put, row => row.Key.Kind),
                Values.Of(put, row => row.Key.Id),
                Values.Of(put, row => row.Value.Version),
                Values.Of(put, row => row.Value.Content));
        }
    }
}
