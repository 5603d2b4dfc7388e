using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace R1Grains.Engine.Models;

/// <summary>
/// The <c>Split</c> pre-tokenizers of a tokenizer.json with behaviour <c>Isolated</c>, applied one after the other:
/// each match becomes a piece and so does each gap between matches.
/// </summary>
internal sealed class SplitPreTokenizer(IReadOnlyList<Regex> splits) : PreTokenizer
{
    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        // The patterns speak of code points, .NET matches UTF-16 units. They are matched on a shadow of the text in
        // which each character outside the BMP is one BMP character of the same general category.
        var shadow = Shadow(text);
        List<(int Offset, int Length)> pieces = [(0, shadow.Length)];
        foreach (var split in splits) pieces = Split(shadow, split, pieces);
        return shadow.Length == text.Length ? pieces : Widen(text, pieces);
    }

    private static List<(int Offset, int Length)> Split(string text, Regex split, List<(int Offset, int Length)> pieces)
    {
        var result = new List<(int, int)>(pieces.Count * 2);
        foreach (var (offset, length) in pieces)
        {
            var end = 0;
            foreach (var match in split.EnumerateMatches(text.AsSpan(offset, length)))
            {
                if (match.Length == 0) continue;
                if (match.Index > end) result.Add((offset + end, match.Index - end));
                result.Add((offset + match.Index, match.Length));
                end = match.Index + match.Length;
            }
            if (end < length) result.Add((offset + end, length - end));
        }
        return result;
    }

    private static List<(int Offset, int Length)> Widen(string text, List<(int Offset, int Length)> pieces)
    {
        var offset = 0;
        return pieces.ConvertAll(piece =>
        {
            var start = offset;
            for (var i = 0; i < piece.Length; i++) offset += char.IsHighSurrogate(text[offset]) ? 2 : 1;
            return (start, offset - start);
        });
    }

    private static string Shadow(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff')) return text;
        var shadow = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            shadow.Append(rune.IsBmp ? (char)rune.Value : StandIn(Rune.GetUnicodeCategory(rune)));
        return shadow.ToString();
    }

    private static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u0100',
        UnicodeCategory.LowercaseLetter => '\u0101',
        UnicodeCategory.TitlecaseLetter => '\u01c5',
        UnicodeCategory.ModifierLetter => '\u02b0',
        UnicodeCategory.OtherLetter => '\ua000',
        UnicodeCategory.NonSpacingMark => '\u0300',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u0488',
        UnicodeCategory.DecimalDigitNumber => '\u0660',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u00b2',
        UnicodeCategory.MathSymbol => '\u00b1',
        UnicodeCategory.CurrencySymbol => '\u00a3',
        UnicodeCategory.ModifierSymbol => '\u02c5',
        UnicodeCategory.OtherSymbol => '\u00a9',
        UnicodeCategory.ConnectorPunctuation => '\u203f',
        UnicodeCategory.DashPunctuation => '\u2013',
        UnicodeCategory.OpenPunctuation => '\u201a',
        UnicodeCategory.ClosePunctuation => '\u2046',
        UnicodeCategory.OtherPunctuation => '\u00a1',
        UnicodeCategory.Format => '\u200b',
        _ => '\ue000',
    };
}
