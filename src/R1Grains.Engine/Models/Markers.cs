using System.Text.RegularExpressions;

namespace R1Grains.Engine.Models;

/// <summary>
/// The marks by which a prompt tells who speaks and what is a document, where somebody has written them out. They never
/// become a mark's id; but a model has seen them written out, too, and may take them for what they say. So they are put
/// in round brackets: <c>&lt;think&gt;</c> becomes <c>(think)</c>, also in other cases, widths and spacings.
/// </summary>
internal sealed class Markers
{
    /// <summary>Around the passages of a user message: plain text, which every model reads.</summary>
    public const string DocumentsOpen = "[documents]", DocumentsClose = "[/documents]";

    private const string Opening = "<＜﹤‹〈〈⟨《[［【〔";
    private const string Closing = ">＞﹥›〉〉⟩》]］】〕";
    private const string Bars = "|｜¦│∣";

    private static readonly Regex Barred = Written($"""\s*(?:/\s*)?[{Bars}](?<name>[^{Class(Opening + Closing)}{Bars}\n]+)[{Bars}]\s*""");

    private readonly Regex _named;

    /// <param name="tokens">All that are added to the vocabulary.</param>
    public Markers(IEnumerable<string> tokens)
    {
        var names = tokens.Append(DocumentsOpen).Append(DocumentsClose)
            .Where(token => token.Length > 2 && Opening.Contains(token[0]) && Closing.Contains(token[^1]) && !Bars.Contains(token[1]))
            .Select(token => Regex.Escape(token[1..^1].TrimStart('/')))
            .Distinct();
        _named = Written($@"\s*(?<name>(?:/\s*)?(?:{string.Join('|', names)}))\s*");
    }

    /// <summary>The text, with no mark in it any more.</summary>
    public string Disarm(string text) =>
        text.AsSpan().IndexOfAny(Opening) < 0 ? text : _named.Replace(Barred.Replace(text, "(${name})"), "(${name})");

    private static Regex Written(string inside) => new($"[{Class(Opening)}]{inside}[{Class(Closing)}]", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private static string Class(string signs) => signs.Replace("[", @"\[", StringComparison.Ordinal).Replace("]", @"\]", StringComparison.Ordinal);
}
