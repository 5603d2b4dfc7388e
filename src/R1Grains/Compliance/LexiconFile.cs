using System.Globalization;
using System.Text;

namespace R1Grains.Compliance;

/// <summary>
/// Lists as people write them, an entry a line:
/// <code>
/// # a remark
/// [category level action scope]
/// an entry
/// another | action=mask tenant=demo from=2026-01-01 until=2026-12-31
/// </code>
/// The head of a section holds for the lines below it; <c>scope</c> is <c>input</c>, <c>output</c> or <c>both</c>.
/// </summary>
public static class LexiconFile
{
    private const string Rest = " | ";

    /// <param name="name">For errors.</param>
    /// <exception cref="LexiconException">A line cannot be read; it is named.</exception>
    public static IEnumerable<LexiconEntry> Read(TextReader lines, string name)
    {
        LexiconRule? section = null;
        for (var number = 1; lines.ReadLine() is { } line; number++)
        {
            line = line.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line is ['[', .. var head, ']'])
                section = Section(head, At(number));
            else if (section is null)
                throw new LexiconException($"{At(number)}: '{line}' stands before any section; write [category level action scope] above it.");
            else
                yield return Entry(line, section, At(number));
        }

        string At(int number) => $"{name}, line {number}";
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    internal static IReadOnlyList<LexiconEntry> Parse(string text)
    {
        using var lines = new StringReader(text);
        return [.. Read(lines, "a kept list")];
    }

    /// <summary>The entries in this form, a section for each head; the same ones give the same text, however they are listed.</summary>
    /// <exception cref="LexiconException">An entry or a category cannot be written as a line.</exception>
    public static string Write(IEnumerable<LexiconEntry> entries)
    {
        var text = new StringBuilder();
        foreach (var section in entries.Distinct().GroupBy(entry => Head(entry.Rule)).OrderBy(section => section.Key, StringComparer.Ordinal))
        {
            text.Append(section.Key).Append('\n');
            foreach (var line in section.Select(Line).Order(StringComparer.Ordinal)) text.Append(line).Append('\n');
        }
        return text.ToString();
    }

    private static string Head(LexiconRule rule) => rule.Category.Length > 0 && !rule.Category.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '[' or ']')
        ? string.Create(CultureInfo.InvariantCulture, $"[{rule.Category} {rule.Level} {$"{rule.Action} {rule.Scope}".ToLowerInvariant()}]")
        : throw new LexiconException($"The category '{rule.Category}' is no word: write letters, digits and hyphens.");

    private static string Line(LexiconEntry entry)
    {
        var (text, rule) = entry;
        var mistake = text.Trim() != text || text.Length == 0 ? "has space around it, or is empty"
            : text[0] is '#' or '[' ? $"begins with '{text[0]}'"
            // At its end, too: settings may follow.
            : $"{text} ".Contains(Rest, StringComparison.Ordinal) ? $"has '{Rest}' in it, or ends with '{Rest.TrimEnd()}'"
            : text.Any(char.IsControl) ? "has a control character in it"
            : null;
        if (mistake is not null) throw new LexiconException($"'{text}' cannot be an entry: it {mistake}.");
        List<string> settings = [];
        if (rule.Tenant is { } tenant) settings.Add($"tenant={tenant}");
        if (rule.From is { } from) settings.Add($"from={from:O}");
        if (rule.Until is { } until) settings.Add($"until={until:O}");
        return settings.Count == 0 ? text : $"{text}{Rest}{string.Join(' ', settings)}";
    }

    private static LexiconRule Section(string head, string at) =>
        head.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var category, var level, var action, var scope]
            ? new LexiconRule(category, Level(level, at), Named<LexiconAction>(action, at), Named<LexiconScope>(scope, at))
            : throw new LexiconException($"{at}: '[{head}]' is no section; write [category level action scope], e.g. [insider-dealing 7 replace both].");

    private static LexiconEntry Entry(string line, LexiconRule rule, string at)
    {
        var parted = line.IndexOf(Rest, StringComparison.Ordinal);
        if (parted < 0) return new LexiconEntry(line, rule);
        foreach (var setting in line[(parted + Rest.Length)..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            rule = setting.Split('=') switch
            {
                ["level", var value] => rule with { Level = Level(value, at) },
                ["action", var value] => rule with { Action = Named<LexiconAction>(value, at) },
                ["scope", var value] => rule with { Scope = Named<LexiconScope>(value, at) },
                ["tenant", { Length: > 0 } value] => rule with { Tenant = value },
                ["from", var value] => rule with { From = Day(value, at) },
                ["until", var value] => rule with { Until = Day(value, at) },
                _ => throw new LexiconException($"{at}: '{setting}' is no setting; there are level=, action=, scope=, tenant=, from= and until=."),
            };
        return new LexiconEntry(line[..parted].Trim(), rule);
    }

    private static int Level(string value, string at) =>
        value is [>= '1' and <= '9'] ? value[0] - '0' : throw new LexiconException($"{at}: level '{value}' is none of 1 to 9.");

    private static T Named<T>(string value, string at) where T : struct, Enum =>
        Enum.GetNames<T>().Contains(value, StringComparer.OrdinalIgnoreCase)
            ? Enum.Parse<T>(value, ignoreCase: true)
            : throw new LexiconException($"{at}: '{value}' is none of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}.");

    private static DateOnly Day(string value, string at) =>
        DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new LexiconException($"{at}: '{value}' is no day; write it as 2026-12-31.");
}
