using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace R1Grains.Compliance;

/// <summary>
/// What a character is to the lexicon: width, case, accents, look-alikes, traditional forms and digit forms become one
/// character each; everything else is passed over in one of a few ways. Tables are made by <c>Tables/make.mjs</c>.
/// </summary>
internal static class Folding
{
    /// <summary>Signs in <see cref="Of"/> for what is no word character; private use, so that no folded character is one of them.</summary>
    public const char
        First = '\uE000',
        /// <summary>Not seen by a reader: zero-width, combining, variation selectors, controls.</summary>
        Dropped = '\uE000',
        /// <summary>A symbol or punctuation that may be slipped in.</summary>
        Symbol = '\uE001',
        Space = '\uE002',
        /// <summary>Punctuation that parts clauses.</summary>
        Clause = '\uE003',
        /// <summary>Ends a sentence.</summary>
        Stop = '\uE004',
        /// <summary>Ends a sentence when white space follows: . ! ?</summary>
        FullStop = '\uE005',
        /// <summary>The first half of a character outside the basic plane.</summary>
        Lead = '\uE006',
        /// <summary>A character that nothing is known of: private use, half a surrogate pair.</summary>
        Unknown = '\uE007',
        /// <summary>From here on: becomes the two characters of <see cref="Pairs"/>.</summary>
        Pair = '\uE100',
        Last = '\uF8FF';

    /// <summary>By UTF-16 unit. Flat: of two stages only the second would save memory, and it is the first that each character would wait for.</summary>
    public static readonly char[] Of = new char[char.MaxValue + 1];

    /// <summary>Two characters for one: ⑩.</summary>
    public static readonly IReadOnlyList<string> Pairs;

    private static readonly FrozenDictionary<int, char> Supplementary;

    static Folding()
    {
        for (var unit = 0; unit <= char.MaxValue; unit++) Of[unit] = ByCategory(unit);
        foreach (var parts in "。｡！？\n\u2028\u2029") Of[parts] = Stop;
        foreach (var parts in "，､；：、,;:…") Of[parts] = Clause;
        foreach (var parts in ".!?．") Of[parts] = FullStop;
        List<string> pairs = [];
        Dictionary<int, char> supplementary = [];
        foreach (var line in EmbeddedTable.Lines("folding.txt"))
        {
            var to = line[..line.IndexOf('\t')];
            // The tables may know a newer Unicode than the runtime.
            foreach (var target in to) Of[target] = target;
            foreach (var from in line[(to.Length + 1)..].EnumerateRunes())
            {
                if (to.Length > 1) pairs.Add(to);
                var target = to.Length > 1 ? (char)(Pair + pairs.Count - 1) : to[0];
                if (from.IsBmp) Of[from.Value] = target;
                else supplementary.Add(from.Value, target);
            }
        }
        // Fillers of Hangul and the empty Braille cell are letters and symbols by name only.
        foreach (var filler in "\u115F\u1160\u3164\uFFA0\u2800") Of[filler] = Dropped;
        Pairs = pairs;
        Supplementary = supplementary.ToFrozenDictionary();
    }

    public static bool IsWord(char folded) => folded is < First or > Last;

    /// <summary>Letters and digits of ASCII, after folding: their words have boundaries.</summary>
    public static bool IsLatin(char folded) => folded is (>= 'a' and <= 'z') or (>= '0' and <= '9');

    /// <summary>A character outside the basic plane; null where it stands for itself, as two units.</summary>
    public static char? OfSupplementary(char lead, char trail)
    {
        var point = char.ConvertToUtf32(lead, trail);
        if (Supplementary.TryGetValue(point, out var folded)) return folded;
        folded = ByCategory(point);
        return IsWord(folded) ? null : folded;
    }

    /// <summary>Repeats stay.</summary>
    public static string NormalForm(ReadOnlySpan<char> text)
    {
        var form = new StringBuilder(text.Length);
        foreach (var unit in new FoldedUnits(text))
            if (IsWord(unit.Folded)) form.Append(unit.Folded);
            else if (unit.Folded is not Dropped && (form.Length == 0 || form[^1] != ' ')) form.Append(' ');
        return form.ToString().Trim();
    }

    private static char ByCategory(int point) => CharUnicodeInfo.GetUnicodeCategory(point) switch
    {
        UnicodeCategory.Surrogate => char.IsHighSurrogate((char)point) ? Lead : Unknown,
        // Kept free for characters without width.
        UnicodeCategory.OtherNotAssigned when point is 0x2065 or (>= 0xFFF0 and <= 0xFFF8) or (>= 0xE0000 and <= 0xE0FFF) => Dropped,
        UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => Unknown,
        UnicodeCategory.Control => point is >= '\t' and <= '\r' ? Space : Dropped,
        UnicodeCategory.Format or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark => Dropped,
        UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => Space,
        <= UnicodeCategory.OtherLetter or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => point <= char.MaxValue ? (char)point : 'x',
        _ => Symbol,
    };
}
