using System.Globalization;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Retention;

/// <summary>
/// Destroys what is past its time, once a day and tenant, unless a hold keeps it. A key is one for a customer and a month, and
/// goes when the last of its conversations may go.
/// </summary>
public sealed class RetentionSweep(StoredRecord record, RetentionRules rules, LegalHolds holds, ErasureWork work, TimeProvider time)
{
    private const string Kind = "retention-sweep";
    private const byte Format = 1;

    /// <summary>In administrative records: the rule itself, which nobody applies by hand.</summary>
    private const string Actor = "retention";

    /// <summary>One erasure takes no further key once it destroys so many.</summary>
    private const int PartsMax = 500;

    /// <summary>Does the day's work of the tenant, or nothing where it is done.</summary>
    /// <returns>How many conversations were destroyed.</returns>
    /// <exception cref="RecordUnavailableException">To be called again: it goes on where it stopped.</exception>
    public async Task<int> RunAsync(string tenant, CancellationToken cancellation = default)
    {
        var now = time.GetUtcNow();
        var state = await record.Registry.FindAsync(new(tenant, Kind, Kind), cancellation);
        var (day, cursor) = state is null ? (0, 0L) : Read(state);
        if (day >= DayOf(now) || rules.ShortestMaximum(tenant) is not { } shortest)
            return 0;
        await work.AdvanceAsync(tenant, cancellation);

        var (destroyed, isKept) = (0, false);
        var seen = new HashSet<DataKeyId>();
        var (first, done) = ((long?)cursor, cursor);
        while (first is not null)
        {
            var page = await record.ListConversationsAsync(tenant, IRecord.PageSizeMax, first, cancellation);
            var old = page.Items.TakeWhile(one => shortest.After(one.Opened.Time) <= now).ToList();
            var overdue = new List<Conversation>();
            foreach (var conversation in old.Where(one => !one.IsErased && seen.Add(one.DataKey)))
            {
                var together = await OverdueAsync(conversation, now, cancellation);
                isKept |= together.Count == 0;
                overdue.AddRange(together);
                if (overdue.Count >= PartsMax)
                    await DestroyAll();
            }
            await DestroyAll();
            first = old.Count == page.Items.Count ? page.Next : null;
            // What is kept for now is looked at again tomorrow, and all that comes after it.
            if (!isKept && first is { } next)
                done = next;

            async Task DestroyAll()
            {
                var count = await DestroyAsync(tenant, [.. overdue.GroupBy(one => one.DataKey)], now, cancellation);
                destroyed += count;
                isKept |= count < overdue.Count;
                overdue.Clear();
            }
        }
        await record.Registry.ChangeAsync(
            new()
            {
                Tenant = tenant,
                Time = now,
                Actor = Actor,
                Action = "retention.sweep",
                Resource = $"tenants/{tenant}",
                Details = [new("conversations", destroyed.ToString(CultureInfo.InvariantCulture))],
            },
            [new(Kind, Kind, state?.Version ?? 0, new ByteWriter().Byte(Format).Int32(DayOf(now)).Int64(done).ToArray())], cancellation);
        return destroyed;
    }

    /// <summary>All conversations under this one's key; none while any of them must or may be kept, or while others may still come under it.</summary>
    private async Task<IReadOnlyList<Conversation>> OverdueAsync(Conversation conversation, DateTimeOffset now, CancellationToken cancellation)
    {
        var tenant = conversation.Key.Tenant;
        if (conversation.DataKey.Period >= DataKeyId.PeriodOf(now))
            return [];
        var together = conversation.IsOfCustomer
            ? (List<Conversation>)[.. (await record.ListConversationsAsync(tenant, Extent.OfCustomer([conversation.Subject]), cancellation)).Where(one => one.DataKey == conversation.DataKey)]
            : [conversation];
        return together.TrueForAll(one => !one.TurnIsOpen && rules.Of(tenant, one.Opened.Channel) is { Maximum: { } maximum } && maximum.After(one.LastActivity) <= now) ? together : [];
    }

    /// <param name="batch">The conversations of each key, all of them.</param>
    private async Task<int> DestroyAsync(string tenant, IReadOnlyList<IGrouping<DataKeyId, Conversation>> batch, DateTimeOffset now, CancellationToken cancellation)
    {
        while (true)
        {
            var (inForce, guard) = await holds.InForceAsync(tenant, cancellation);
            var free = new List<Conversation>();
            foreach (var together in batch)
            {
                // Somebody may have gone on with one of them since they were found.
                var still = await record.FindConversationAsync(together.First().Key, cancellation) is { IsErased: false } one ? await OverdueAsync(one, now, cancellation) : [];
                if (!still.Any(one => inForce.Any(hold => hold.Extent.Covers(one))))
                    free.AddRange(still);
            }
            if (free.Count == 0)
                return 0;
            var parts = free.Select(one => new ErasedPart(one.Key.Conversation, one.DataKey)).ToList();
            var erasure = new Erasure
            {
                Tenant = tenant,
                Id = string.Create(CultureInfo.InvariantCulture, $"retention-{DayOf(now)}-{Digest.Of(ByteWriter.StrictUtf8.GetBytes(string.Join('\n', parts.Select(part => part.Key)))).ToString()[..12]}"),
                Origin = ErasureOrigin.Retention,
                State = ErasureState.Destroying,
                Extent = Extent.Tenant,
                Requester = Actor,
                Requested = now,
                Approver = Actor,
                Approved = now,
                Parts = parts,
                Turns = free.Sum(one => (long)one.TurnCount),
                Exports = await ExportedCustomers.ListAsync(record.Registry, tenant, free.Select(one => one.Subject), cancellation),
            };
            try
            {
                await work.BeginAsync(erasure, guard, cancellation);
            }
            catch (DocumentConflictException)
            {
                // A hold was placed or released meanwhile.
                continue;
            }
            await work.AdvanceAsync(tenant, cancellation);
            return free.Count;
        }
    }

    private static int DayOf(DateTimeOffset time) => 100 * DataKeyId.PeriodOf(time) + time.UtcDateTime.Day;

    private static (int Day, long Cursor) Read(Document document)
    {
        var reader = new ByteReader(document.Content!);
        return reader.Byte() is Format ? (reader.Int32(), reader.Int64()) : throw new InvalidDataException("a sweep of what is past its time has another format");
    }
}
