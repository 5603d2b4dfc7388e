using System.Text;

namespace R1Grains.Compliance;

/// <summary>
/// What the model was shown: the tenant's own words, and the customer's as far as the model may see them. An answer may
/// repeat of it what it likes, so that the bank's hotline is no secret; a number that did not stand there is somebody
/// else's, or nobody's, and is covered.
/// </summary>
/// <param name="texts">Read when something was found first, which is seldom.</param>
internal sealed class ShownText(IEnumerable<string> texts)
{
    public static readonly ShownText Nothing = new([]);

    private const char Break = '\n';

    private string? _signs;

    /// <summary>Whether an answer may show it. How it is grouped or written does not matter.</summary>
    public bool Holds(PersonalDataKind kind, ReadOnlySpan<char> item) =>
        kind.NamesOrganisation() || (!kind.IsSecret() && (_signs ??= Signs(texts)).Contains(Signs(item.ToString()), StringComparison.Ordinal));

    /// <summary>What a whole text tells about a person and was not shown.</summary>
    public IEnumerable<PersonalDataSpan> FindOthers(string text) => PersonalData.Find(text).Where(item => !Holds(item.Kind, text.AsSpan(item.Start, item.Length)));

    /// <summary>Letters and digits in their plain form, gaps within numbers left out, and one break for anything else.</summary>
    private static string Signs(params IEnumerable<string> texts)
    {
        var signs = new StringBuilder();
        foreach (var text in texts)
        {
            foreach (var c in text)
            {
                var folded = PersonalDataText.Fold(c);
                if (PersonalDataText.Sign(folded) is not '\0' and var sign) signs.Append(sign);
                else if (folded is not (' ' or '-' or '.' or '(' or ')' or '/' or '·' or '+' or PersonalDataText.Ignorable) && signs is not [.., Break]) signs.Append(Break);
            }
            signs.Append(Break);
        }
        return signs.ToString().Trim(Break);
    }
}
