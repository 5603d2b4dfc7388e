using System.Globalization;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;

namespace R1Grains.Audit;

/// <summary>Finds the turns of an export: those of a customer or of named conversations in the record itself, others by the search index.</summary>
internal sealed class ExportSearch(IRecord record, TranscriptIndex index, SearchKeys keys, Restrictions restrictions)
{
    /// <summary>As many as one statement reads.</summary>
    private const int AtOnce = 64;

    /// <summary>More are not looked at for one step, which is then a short one.</summary>
    private const int LookedAtMax = 2_048;

    private readonly StoredRecord _record = (StoredRecord)record;

    /// <summary>From the export's cursor on. Null where the index has not yet seen what was there when it was asked for.</summary>
    /// <exception cref="RefusedException">The index cannot be searched.</exception>
    public async Task<FoundTurns?> Find(Export export, CancellationToken cancellation)
    {
        var conditions = ExportConditions.Of(export.Asked.Filter);
        return conditions is { Customers: [], Conversations: [] } ? await ByIndex(export, conditions, cancellation) : await ByName(export, conditions, cancellation);
    }

    private async Task<FoundTurns?> ByIndex(Export export, ExportConditions conditions, CancellationToken cancellation)
    {
        // Asked first: one that ends meanwhile has had the index built anew by then.
        var isReplaced = await IsSearchKeyReplaced(export.Tenant, cancellation);
        var terms = await keys.Of(export.Tenant);
        var state = await index.ReadStateAsync(export.Tenant, cancellation);
        if (state.Scheme is { } scheme && scheme != terms.Scheme)
        {
            // Who replaces the key has it built anew.
            if (isReplaced || await IsSearchKeyReplaced(export.Tenant, cancellation))
                return null;
            throw new RefusedException(new(Reason.SearchIndexOutdated, $"the search index of tenants/{export.Tenant} was built with another key, or by another version: an operator has it built anew with 'r1 tenants reindex {export.Tenant}', and then it is asked for again"));
        }
        if (state.Leaves < export.Leaves)
            return null;
        var query = terms.Query(SearchedWords.None, conditions.Filter);
        var (found, looked, before) = (new List<(ClosedTurn, string)>(), 0, export.Cursor.Length == 0 ? export.Leaves : long.Parse(export.Cursor, CultureInfo.InvariantCulture));
        while (true)
        {
            var (leaves, isLast) = await index.FindAsync(export.Tenant, query, before, AtOnce, cancellation);
            foreach (var turn in (await record.ReadClosedTurnsAsync(export.Tenant, leaves, cancellation)).Reverse())
            {
                if (found.Count == ExportRegister.TurnsAtOnce)
                    return new(found, Text(before));
                before = turn.Leaf;
                if (Takes(export, conditions, turn))
                    found.Add((turn, Text(before)));
            }
            looked += leaves.Count;
            if (isLast)
                return new(found, null);
            if (looked >= LookedAtMax || found.Count == ExportRegister.TurnsAtOnce)
                return new(found, Text(before));
        }
    }

    private async Task<FoundTurns> ByName(Export export, ExportConditions conditions, CancellationToken cancellation)
    {
        var names = await Names(export, conditions, cancellation);
        var (at, after) = export.Cursor.Split(' ') is [var number, var leaf] ? (int.Parse(number, CultureInfo.InvariantCulture), long.Parse(leaf, CultureInfo.InvariantCulture)) : (0, -1L);
        for (; at < names.Count; (at, after) = (at + 1, -1))
        {
            var all = await _record.ListClosedTurnsAsync(new(export.Tenant, names[at]), cancellation);
            var leaves = all.Where(one => one > after && one < export.Leaves).Take(AtOnce).ToList();
            if (leaves.Count == 0)
                continue;
            var turns = (await record.ReadClosedTurnsAsync(export.Tenant, leaves, cancellation)).Where(turn => Takes(export, conditions, turn)).Select(turn => (turn, Place(at, turn.Leaf))).ToList();
            return new(turns, Place(at, leaves[^1]));
        }
        return new([], null);
    }

    private async Task<IReadOnlyList<string>> Names(Export export, ExportConditions conditions, CancellationToken cancellation)
    {
        if (conditions.Customers.Count == 0)
            return conditions.Conversations;
        var own = (await _record.ListConversationsAsync(export.Tenant, Extent.OfCustomer(conditions.Customers), cancellation)).Select(conversation => conversation.Key.Conversation);
        return [.. conditions.Conversations.Count == 0 ? own : own.Intersect(conditions.Conversations)];
    }

    private Task<bool> IsSearchKeyReplaced(string tenant, CancellationToken cancellation) => KeyRotations.IsUnderWayAsync(_record.Registry, tenant, KeyKind.Search, cancellation);

    private bool Takes(Export export, ExportConditions conditions, ClosedTurn turn) =>
        conditions.Takes(turn) && (export.WithRestricted || !restrictions.Covers(turn));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Place(int conversation, long leaf) => string.Create(CultureInfo.InvariantCulture, $"{conversation} {leaf}");
}
