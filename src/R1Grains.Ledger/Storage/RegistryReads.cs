using System.Data.Common;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

/// <summary>What is read of the registry, on a connection that reads the record.</summary>
internal static class RegistryReads
{
    private const string SelectDocument = "SELECT tenant, kind, id, version, change, content FROM document";

    public static async Task<Document?> Document(this RecordReads reads, DocumentKey key) => (await reads.Query(
        $"{SelectDocument} WHERE tenant = $1 AND kind = $2 AND id = $3 AND content IS NOT NULL", ReadDocument, key.Tenant, key.Kind, key.Id)).SingleOrDefault();

    public static async Task<IReadOnlyList<Document>> Documents(this RecordReads reads, string tenant, string kind, int pageSize, string after) => await reads.Query(
        $"{SelectDocument} WHERE tenant = $1 AND kind = $2 AND id > $3 AND content IS NOT NULL ORDER BY id LIMIT $4", ReadDocument, tenant, kind, after, pageSize);

    public static async Task<long> Changes(this RecordReads reads) => (await reads.Query("SELECT changes FROM registry_change", row => row.GetInt64(0))).Single();

    public static async Task<IReadOnlyList<Document>> Changed(this RecordReads reads, IReadOnlyCollection<string> kinds, long after, int limit) => await reads.Query(
        $"{SelectDocument} WHERE change > $1 AND kind IN ({string.Join(", ", Enumerable.Range(3, kinds.Count).Select(number => $"${number}"))}) ORDER BY change LIMIT $2",
        ReadDocument, [after, limit, .. kinds]);

    public static async Task<Page<AdministrativeEntry>> AdministrativeEntries(this RecordReads reads, string tenant, int pageSize, long after)
    {
        var rows = await reads.Query(
            "SELECT idx, time, payload, hash FROM administrative_record WHERE tenant = $1 AND idx > $2 ORDER BY idx LIMIT $3",
            row => new AdministrativeEntry(row.GetInt64(0), AdministrativePayload.Decode(row.Bytes(2), tenant, row.GetInt64(1)), row.Digest(3)), tenant, after, pageSize + 1);
        var page = rows.Take(pageSize).ToList();
        return new Page<AdministrativeEntry>(page, rows.Count > pageSize ? page[^1].Index : null);
    }

    private static Document ReadDocument(DbDataReader row) =>
        new(new(row.GetString(0), row.GetString(1), row.GetString(2)), row.GetInt64(3), row.GetInt64(4), row.IsDBNull(5) ? null : row.Bytes(5));
}
