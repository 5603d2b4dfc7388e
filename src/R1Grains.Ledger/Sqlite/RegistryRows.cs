using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Sqlite;

/// <summary>The registry's statements on the writing connection.</summary>
internal sealed class RegistryRows(SqliteConnection connection, TreeRows trees) : IRegistryRows, IDisposable
{
    private readonly Statement _findHead = new(connection, "SELECT next_index, last_hash FROM administration WHERE tenant = $1", 1);
    private readonly Statement _putHead = new(connection, "INSERT INTO administration (tenant, next_index, last_hash) VALUES ($1, $2, $3) ON CONFLICT (tenant) DO UPDATE SET next_index = $2, last_hash = $3", 3);
    private readonly Statement _insert = new(connection, "INSERT INTO administrative_record (tenant, idx, format, time, hash, payload) VALUES ($1, $2, $3, $4, $5, $6)", 6);
    private readonly Statement _find = new(connection, "SELECT version, content IS NULL FROM document WHERE tenant = $1 AND kind = $2 AND id = $3", 3);
    private readonly Statement _count = new(connection, "UPDATE registry_change SET changes = changes + 1 RETURNING changes");
    private readonly Statement _put = new(connection, """
        INSERT INTO document (tenant, kind, id, version, change, content) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (tenant, kind, id) DO UPDATE SET version = $4, change = $5, content = $6
        """, 6);

    public AdministrationHead? FindAdministration(string tenant)
    {
        using var row = _findHead.Query(tenant);
        return row.Read() ? new AdministrationHead(row.GetInt64(0), row.Digest(1)) : null;
    }

    public StoredDocument? FindDocument(DocumentKey key)
    {
        using var row = _find.Query(key.Tenant, key.Kind, key.Id);
        return row.Read() ? new StoredDocument(row.GetInt64(0), row.GetBoolean(1)) : null;
    }

    public void Add(string tenant, Entry entry, Digest leaf)
    {
        _insert.Execute(tenant, entry.Index, (int)entry.Format, entry.Time, leaf.ToArray(), entry.Payload.Skeleton);
        _putHead.Execute(tenant, entry.Index + 1, leaf.ToArray());
        trees.Append(tenant, LeafKind.Administrative, 0, entry.Index, leaf);
    }

    public void Put(DocumentKey key, long version, byte[]? content) =>
        _put.Execute(key.Tenant, key.Kind, key.Id, version, (long)_count.Scalar()!, content);

    public void Dispose()
    {
        foreach (var statement in (Statement[])[_findHead, _putHead, _insert, _find, _count, _put])
            statement.Dispose();
    }
}
