using R1Grains.Ledger;

namespace R1Grains.Audit;

/// <summary>Which administrative records are meant. What is null or empty asks for nothing.</summary>
/// <param name="Action">All of it, or its first words.</param>
/// <param name="Resource">What it was about, or what lies above that.</param>
internal sealed record AuditFilter(DateTimeOffset? From, DateTimeOffset? Until, string Actor, string Action, string Resource)
{
    public bool Takes(AdministrativeRecord record) =>
        (Actor.Length == 0 || record.Actor == Actor)
        && IsAt(record.Action, Action, '.')
        && (Resource.Length == 0 || IsAt(record.Resource, Resource, '/') || record.Details.Any(detail => detail.Name == SearchRecord.Turn && IsAt(detail.Value, Resource, '/')));

    /// <summary>As the record of a reading names it.</summary>
    public IEnumerable<Label> Details()
    {
        if (From is { } from) yield return new("from", SearchRecord.Text(from));
        if (Until is { } until) yield return new("until", SearchRecord.Text(until));
        foreach (var (name, value) in ((string, string)[])[("actor", Actor), ("action", Action), ("resource", Resource)])
            if (value.Length > 0) yield return new(name, value);
    }

    private static bool IsAt(string name, string wanted, char separator) =>
        wanted.Length == 0 || (name.StartsWith(wanted, StringComparison.Ordinal) && (name.Length == wanted.Length || name[wanted.Length] == separator));
}

/// <summary>A tenant's administrative chain, the latest first.</summary>
internal sealed class AuditEvents(IRegistry registry)
{
    /// <summary>More are not looked at for one page, which is then a short one.</summary>
    private const int LookedAtMax = 10_000;

    /// <param name="before">Only those with a smaller index; null for all.</param>
    public async Task<Page<AdministrativeEntry>> List(string tenant, AuditFilter filter, int size, long? before, CancellationToken cancellation)
    {
        var (events, looked) = (new List<AdministrativeEntry>(), 0);
        while (true)
        {
            var page = await registry.ListLatestEntriesAsync(tenant, IRecord.PageSizeMax, before, filter.From, filter.Until, cancellation);
            foreach (var entry in page.Items)
            {
                if (events.Count == size)
                    return new(events, before);
                if (filter.Takes(entry.Record))
                    events.Add(entry);
                before = entry.Index;
            }
            looked += page.Items.Count;
            if (page.Next is null)
                return new(events, null);
            if (looked >= LookedAtMax)
                return new(events, before);
        }
    }
}
