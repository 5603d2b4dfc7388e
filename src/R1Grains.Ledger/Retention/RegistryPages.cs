namespace R1Grains.Ledger.Retention;

internal static class RegistryPages
{
    /// <summary>All documents of a kind that has few.</summary>
    public static async Task<IReadOnlyList<T>> AllAsync<T>(this IRegistry registry, string tenant, string kind, Func<Document, T> decode, CancellationToken cancellation)
    {
        var (all, after) = (new List<T>(), (string?)null);
        IReadOnlyList<Document> page;
        do
        {
            page = await registry.ListAsync(tenant, kind, IRecord.PageSizeMax, after, cancellation);
            all.AddRange(page.Select(decode));
            after = page.Count > 0 ? page[^1].Key.Id : after;
        }
        while (page.Count == IRecord.PageSizeMax);
        return all;
    }
}
