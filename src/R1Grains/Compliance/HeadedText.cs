using System.Globalization;
using System.Text;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>
/// How what is kept of the guardrail is written: a line <c>name: value</c> for each thing that is known of it, between two
/// lines of three dashes, then the words as in a list's file.
/// </summary>
internal sealed record HeadedText(IReadOnlyList<Label> Head, string Body = "")
{
    private const string Rule = "---\n";

    /// <summary>Empty where it has no such line.</summary>
    public string this[string name] => Head.FirstOrDefault(line => line.Name == name)?.Value ?? "";

    /// <exception cref="InvalidDataException">It was not written here.</exception>
    public static HeadedText Parse(byte[] content)
    {
        var text = Encoding.UTF8.GetString(content);
        var end = text.IndexOf($"\n{Rule}", StringComparison.Ordinal);
        if (!text.StartsWith(Rule, StringComparison.Ordinal) || end < 0) throw new InvalidDataException("a document of the guardrail has no head");
        var head = text[Rule.Length..end].Split('\n').Select(line => line.Split(": ", 2)).Select(line => new Label(line[0], line[1]));
        return new([.. head], text[(end + 1 + Rule.Length)..]);
    }

    /// <param name="lines">Those without a value are left out; no value has a line's end in it.</param>
    public static byte[] Write(string body, params IEnumerable<(string Name, string? Value)> lines) => Encoding.UTF8.GetBytes(
        $"{Rule}{string.Concat(lines.Where(line => line.Value is { Length: > 0 }).Select(line => $"{line.Name}: {line.Value}\n"))}{Rule}{body}");

    public DateTimeOffset Time(string name) => DateTimeOffset.Parse(this[name], CultureInfo.InvariantCulture);

    public static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);

    /// <summary>0 where it has no such line.</summary>
    public int Number(string name) => this[name] is { Length: > 0 } value ? int.Parse(value, CultureInfo.InvariantCulture) : 0;
}
