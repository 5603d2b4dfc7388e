namespace R1Grains.Ledger.Retention;

/// <summary>
/// Which exports hold words of whom: a document for each customer and export, written before the export can be fetched. A
/// certificate names them, because nobody but who has them can destroy those.
/// </summary>
public static class ExportedCustomers
{
    public const string Kind = "exported-customer";

    /// <summary>Of the document.</summary>
    /// <param name="subject">Of the key under which the exported words lay.</param>
    public static string IdOf(Digest subject, string export) => $"{subject}/{export}";

    /// <summary>Names of exports, each once.</summary>
    internal static async Task<IReadOnlyList<string>> ListAsync(IRegistry registry, string tenant, IEnumerable<Digest> subjects, CancellationToken cancellation)
    {
        var exports = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var subject in subjects.Distinct())
        {
            var (prefix, after) = ($"{subject}/", $"{subject}/");
            while (true)
            {
                var page = (await registry.ListAsync(tenant, Kind, IRecord.PageSizeMax, after, cancellation)).TakeWhile(document => document.Key.Id.StartsWith(prefix, StringComparison.Ordinal)).ToList();
                exports.UnionWith(page.Select(document => $"tenants/{tenant}/exports/{document.Key.Id[prefix.Length..]}"));
                if (page.Count < IRecord.PageSizeMax)
                    break;
                after = page[^1].Key.Id;
            }
        }
        return [.. exports];
    }
}
