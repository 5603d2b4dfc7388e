using System.Runtime.CompilerServices;

namespace R1Grains.Ledger;

/// <summary>How a process keeps what it knows of the registry.</summary>
public static class RegistryFeed
{
    private const int PageSize = 64;

    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// All documents of these kinds as they are now, maybe none, then again and again those that changed. While the record
    /// cannot be read, nothing comes: whoever follows goes on with what they know.
    /// </summary>
    /// <exception cref="RecordUnavailableException">Before the first ones came.</exception>
    public static async IAsyncEnumerable<IReadOnlyList<Document>> FollowAsync(
        this IRegistry registry, IReadOnlyCollection<string> kinds, TimeProvider? time = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        // Counted before reading: what changes meanwhile is read twice rather than not at all.
        var counted = await registry.CountChangesAsync(cancellation);
        var (changed, last) = await ReadAsync(0);
        yield return changed;
        while (true)
        {
            await Task.Delay(Interval, time, cancellation);
            try
            {
                var count = await registry.CountChangesAsync(cancellation);
                if (count == counted)
                    continue;
                (changed, last) = await ReadAsync(last);
                counted = count;
            }
            catch (RecordUnavailableException)
            {
                continue;
            }
            if (changed.Count > 0)
                yield return changed;
        }

        async Task<(List<Document>, long)> ReadAsync(long after)
        {
            var documents = new List<Document>();
            IReadOnlyList<Document> page;
            do
            {
                page = await registry.ListChangedAsync(kinds, after, PageSize, cancellation);
                documents.AddRange(page);
                after = page.Count > 0 ? page[^1].Change : after;
            }
            while (page.Count == PageSize);
            return (documents, after);
        }
    }
}
