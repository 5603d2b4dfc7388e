using System.Globalization;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Postgres;

/// <summary>A month in UTC. Entries and pieces of a month lie in tables of their own, which can be written to by name.</summary>
/// <param name="FirstDay">Its first.</param>
internal readonly record struct Month(DateOnly FirstDay)
{
    public Month Next => new(FirstDay.AddMonths(1));

    /// <summary>Its first moment, in microseconds.</summary>
    public long Begin => Microseconds.Of(new DateTimeOffset(FirstDay, TimeOnly.MinValue, TimeSpan.Zero));

    public string EntryTable => "entry" + Suffix;

    public string PieceTable => "piece" + Suffix;

    private string Suffix => FirstDay.ToString("'_'yyyy'_'MM", CultureInfo.InvariantCulture);

    /// <param name="time">Microseconds.</param>
    public static Month Of(long time) => Of(Microseconds.ToTime(time));

    public static Month Of(DateTimeOffset time) => new(new DateOnly(time.UtcDateTime.Year, time.UtcDateTime.Month, 1));
}
