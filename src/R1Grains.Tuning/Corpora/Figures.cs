using System.Text;
using System.Text.RegularExpressions;

namespace R1Grains.Tuning.Corpora;

/// <summary>Figures in a text, compared without regard to how they are typed.</summary>
internal static partial class Figures
{
    /// <summary>Lower case, without white space and thousands separators, full-width digits made plain.</summary>
    public static string Normal(string text)
    {
        var normal = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsWhiteSpace(c)) continue;
            if (c is ',' or '，' && i > 0 && i + 1 < text.Length && char.IsDigit(text[i - 1]) && char.IsDigit(text[i + 1])) continue;
            normal.Append(c is >= '０' and <= '９' ? (char)(c - '０' + '0') : c is '％' ? '%' : char.ToLowerInvariant(c));
        }

        return normal.ToString();
    }

    /// <summary>The figures of a text in order, as <see cref="Normal"/> writes them: <c>1,250.50元</c> has <c>1250.50</c>.</summary>
    public static IReadOnlyList<string> In(string text) => [.. Number().Matches(Normal(text)).Select(m => m.Value)];

    [GeneratedRegex(@"[0-9]+(?:\.[0-9]+)?")]
    private static partial Regex Number();
}
