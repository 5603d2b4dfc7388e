using System.Globalization;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// What is no longer kept, as the record's own documents say it. That they are what the administrative records made them is
/// checked where all documents are.
/// </summary>
internal sealed class RetiredRows
{
    private readonly Dictionary<string, List<LeafRun>> _leaves = [];

    /// <summary>In microseconds; the end is the first moment after.</summary>
    private readonly List<(long Begin, long End)> _pieces = [];

    /// <exception cref="InvalidDataException">A document is not one of these.</exception>
    public static RetiredRows Read(IEvidence evidence)
    {
        var retired = new RetiredRows();
        using var row = evidence.RetiredMonths();
        while (row.Read())
        {
            var (kind, month) = (row.GetString(0), row.GetString(1));
            if (!DateOnly.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out var first))
                throw new InvalidDataException($"the {kind} '{month}' is no month");
            retired._pieces.Add((Start(first), Start(first.AddMonths(1))));
            if (kind == RetiredMonth.Kind)
                retired.Add(RetiredMonth.Decode(row.GetFieldValue<byte[]>(2)));
        }
        foreach (var runs in retired._leaves.Values)
            runs.Sort((one, other) => one.First.CompareTo(other.First));
        return retired;
    }

    /// <summary>Documents: more than before where a month was taken out meanwhile.</summary>
    public int Count => _pieces.Count;

    /// <summary>Whether there is any entry of the tenant that is no longer kept.</summary>
    public bool Concerns(string tenant) => _leaves.ContainsKey(tenant);

    /// <summary>Whether the leaf stands for an entry of a month that was taken out.</summary>
    public bool HasLeaf(string tenant, long number)
    {
        if (!_leaves.TryGetValue(tenant, out var runs))
            return false;
        var (low, high) = (0, runs.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (number < runs[middle].First)
                high = middle - 1;
            else if (number >= runs[middle].First + runs[middle].Count)
                low = middle + 1;
            else
                return true;
        }
        return false;
    }

    /// <summary>Whether pieces that were written between these times may be missing; microseconds, both included.</summary>
    public bool MayLackPieces(long first, long last) => _pieces.Any(month => first < month.End && last >= month.Begin);

    private static long Start(DateOnly day) => Microseconds.Of(new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero));

    private void Add(RetiredMonth month)
    {
        foreach (var (tenant, runs) in month.Leaves)
        {
            if (!_leaves.TryGetValue(tenant, out var known))
                _leaves[tenant] = known = [];
            known.AddRange(runs);
        }
    }
}
