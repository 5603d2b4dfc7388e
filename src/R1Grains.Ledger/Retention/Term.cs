using System.Globalization;

namespace R1Grains.Ledger.Retention;

/// <summary>So many calendar months, and so many days, after something.</summary>
public readonly record struct Term(int Months, int Days)
{
    private const int CountMax = 36_600;

    public static readonly Term None = default;

    public static Term Years(int years) => new(12 * years, 0);

    public DateTimeOffset After(DateTimeOffset time)
    {
        try
        {
            return time.AddMonths(Months).AddDays(Days);
        }
        catch (ArgumentOutOfRangeException)
        {
            return DateTimeOffset.MaxValue;
        }
    }

    /// <param name="text">A number with y, m or d behind it for years, months or days, e.g. 7y; or 0.</param>
    public static bool TryParse(string text, out Term term)
    {
        term = None;
        if (text == "0")
            return true;
        if (text.Length < 2 || !int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > CountMax)
            return false;
        switch (text[^1])
        {
            case 'y' when count <= 1_000:
                term = Years(count);
                return true;
            case 'm':
                term = new(count, 0);
                return true;
            case 'd':
                term = new(0, count);
                return true;
            default:
                return false;
        }
    }

    public override string ToString() => this switch
    {
        (0, 0) => "0",
        (0, var days) => string.Create(CultureInfo.InvariantCulture, $"{days}d"),
        var (months, days) when days == 0 => months % 12 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{months / 12}y") : string.Create(CultureInfo.InvariantCulture, $"{months}m"),
        var (months, days) => string.Create(CultureInfo.InvariantCulture, $"{months}m{days}d"),
    };
}
