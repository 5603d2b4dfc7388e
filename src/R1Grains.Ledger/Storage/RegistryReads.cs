using System.Data.Common;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Storage;

/// <summary>What is read of the registry, on a connection that reads the record.</summary>
internal static class RegistryReads
{
    private const string SelectEntry = "SELECT tenant, idx, time, payload, hash FROM administrative_record WHERE tenant = $1";

    private const string SelectDocument = "SELECT tenant, kind, id, version, change, content FROM document";

    public static async Task<Document?> Document(this RecordReads reads, DocumentKey key) => (await reads.Query(
        $"{SelectDocument} WHERE tenant = $1 AND kind = $2 AND id = $3 AND content IS NOT NULL", ReadDocument, key.Tenant, key.Kind, key.Id)).SingleOrDefault();

    public static async Task<IReadOnlyList<Document>> Documents(this RecordReads reads, string tenant, string kind, int pageSize, string after) => await reads.Query(
        $"{SelectDocument} WHERE tenant = $1 AND kind = $2 AND id > $3 AND content IS NOT NULL ORDER BY id LIMIT $4", ReadDocument, tenant, kind, after, pageSize);

    public static async Task<long> Changes(this RecordReads reads) => (await reads.Query("SELECT changes FROM registry_change", row => row.GetInt64(0))).Single();

    public static async Task<IReadOnlyList<Document>> Changed(this RecordReads reads, IReadOnlyCollection<string> kinds, long after, int limit) => await reads.Query(
        $"{SelectDocument} WHERE change > $1 AND kind IN ({string.Join(", ", Enumerable.Range(3, kinds.Count).Select(number => $"${number}"))}) ORDER BY change LIMIT $2",
        ReadDocument, [after, limit, .. kinds]);

    public static async Task<Page<AdministrativeEntry>> AdministrativeEntries(this RecordReads reads, string tenant, int pageSize, long after) => PageOf(pageSize, await reads.Query(
        $"{SelectEntry} AND idx > $2 ORDER BY idx LIMIT $3", ReadEntry, tenant, after, pageSize + 1));

    /// <summary>The latest first.</summary>
    /// <param name="from">Microseconds.</param>
    /// <param name="until">Microseconds; comes after the last.</param>
    public static async Task<Page<AdministrativeEntry>> LatestEntries(this RecordReads reads, string tenant, int pageSize, long before, long from, long until) => PageOf(pageSize, await reads.Query(
        $"{SelectEntry} AND idx < $2 AND time >= $3 AND time < $4 ORDER BY idx DESC LIMIT $5", ReadEntry, tenant, before, from, until, pageSize + 1));

    private static Page<AdministrativeEntry> PageOf(int size, List<AdministrativeEntry> entries) =>
        new(entries.Count > size ? entries.GetRange(0, size) : entries, entries.Count > size ? entries[size - 1].Index : null);

    private static AdministrativeEntry ReadEntry(DbDataReader row) =>
        new(row.GetInt64(1), AdministrativePayload.Decode(row.Bytes(3), row.GetString(0), row.GetInt64(2)), row.Digest(4));

    private static Document ReadDocument(DbDataReader row) =>
        new(new(row.GetString(0), row.GetString(1), row.GetString(2)), row.GetInt64(3), row.GetInt64(4), row.IsDBNull(5) ? null : row.Bytes(5));
}
