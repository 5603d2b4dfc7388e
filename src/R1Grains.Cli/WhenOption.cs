using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace R1Grains.Cli;

/// <summary>From when and until when.</summary>
internal static class WhenOption
{
    private const string Form = "a day (2026-01-31), a time (2026-01-31T09:30, in UTC unless it says otherwise), or how long ago (7d, 12h, 30m)";

    public static readonly Option<DateTimeOffset?> Since = Of("--since", "Not before this", isEnd: false);

    public static readonly Option<DateTimeOffset?> Until = Of("--until", "Before this; a day is taken whole", isEnd: true);

    public static Timestamp? Wire(this ParseResult parsed, Option<DateTimeOffset?> option) => parsed.GetValue(option)?.ToTimestamp();

    private static Option<DateTimeOffset?> Of(string name, string description, bool isEnd) => new(name)
    {
        Description = $"{description}: {Form}.",
        HelpName = "when",
        CustomParser = result => Parse(result, name, isEnd),
    };

    private static DateTimeOffset? Parse(ArgumentResult result, string name, bool isEnd)
    {
        var text = result.Tokens.Single().Value;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            return new DateTimeOffset((isEnd ? day.AddDays(1) : day).ToDateTime(default), TimeSpan.Zero);
        if (Ago(text) is { } ago)
            return TimeProvider.System.GetUtcNow() - ago;
        // Ten digits stand for a day at least: what is shorter could be a year, or a time of today.
        if (text.Length > 10 && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return time;
        result.AddError($"{name} '{text}' is not {Form}.");
        return null;
    }

    private static TimeSpan? Ago(string text) => text.Length > 1 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? text[^1] switch
        {
            'd' => TimeSpan.FromDays(Math.Min(number, 36_500)),
            'h' => TimeSpan.FromHours(number),
            'm' => TimeSpan.FromMinutes(number),
            _ => null,
        }
        : null;
}
