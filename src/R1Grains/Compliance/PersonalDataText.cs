using System.Globalization;
using System.Runtime.CompilerServices;

namespace R1Grains.Compliance;

/// <summary>
/// Text in the one form that recognisers read: full-width and other decimal digits and letters as ASCII, Chinese
/// numerals and enclosed digits in ranges of their own (whether they join their neighbours is a question of script),
/// all spaces, dashes, brackets and ends of sentences as one sign each. Every folded character stands for one of the
/// source; those without width are left out.
/// </summary>
/// <param name="folded">From at least <see cref="History"/> characters before what is read, or from the beginning.</param>
/// <param name="ended">Whether nothing follows.</param>
internal readonly ref struct PersonalDataText(ReadOnlySpan<char> folded, bool ended)
{
    /// <summary>What no recogniser looks back beyond, in folded characters.</summary>
    public const int History = 96;

    /// <summary>What is not there yet.</summary>
    public const char Unknown = '\uFFFF';

    /// <summary>The end of a sentence, of a line, or of the text.</summary>
    public const char Break = '\n';

    /// <summary>In <see cref="Fold"/>: characters without width.</summary>
    public const char Ignorable = '\uFFFE';

    /// <summary>No item starts with a character beyond it.</summary>
    public const char LastStart = (char)(Enclosed + 9);

    private const char Spoken = '\x10';
    private const char Enclosed = '\x80';
    private static readonly char[] Folds = MakeFolds();

    private readonly ReadOnlySpan<char> _folded = folded;

    public char this[int at]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (uint)at < (uint)_folded.Length ? _folded[at] : at < 0 || ended ? Break : Unknown;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static char Fold(char c) => Folds[c];

    /// <summary>The value of a digit of any script, or -1.</summary>
    public static int Digit(char folded)
    {
        if (char.IsAsciiDigit(folded)) return folded - '0';
        if ((uint)(folded - Spoken) <= 9) return folded - Spoken;
        return (uint)(folded - Enclosed) <= 9 ? folded - Enclosed : -1;
    }

    /// <summary>A letter in upper case or a digit, as ASCII; '\0' for anything else.</summary>
    public static char Sign(char folded) =>
        char.IsAsciiLetter(folded) ? (char)(folded & ~0x20) : Digit(folded) is >= 0 and var digit ? (char)('0' + digit) : '\0';

    /// <summary>Whether two digits could belong to one number without anything between them.</summary>
    public static bool IsOneScript(char digit, char other) => digit >> 4 == other >> 4;

    public static bool IsWord(char folded) => char.IsAsciiLetterOrDigit(folded) || folded == '_';

    private static char[] MakeFolds()
    {
        var folds = new char[char.MaxValue + 1];
        for (var i = 0; i < folds.Length; i++) folds[i] = MakeFold((char)i);
        Set("〇零一二三四五六七八九", ["○", "幺壹", "贰貳", "叁參", "肆", "伍", "陆陸", "柒", "捌", "玖"]);
        foreach (var one in "①⑴⒈㈠㊀❶➀")
            for (var digit = 1; digit <= 9; digit++)
                folds[one + digit - 1] = (char)(Enclosed + digit);
        folds['⓪'] = folds['⓿'] = Enclosed;
        folds['Ⅹ'] = 'X';
        return folds;

        void Set(string usual, string[] others)
        {
            folds[usual[0]] = Spoken;
            for (var digit = 0; digit <= 9; digit++)
                foreach (var c in others[digit] + usual[digit + 1])
                    folds[c] = (char)(Spoken + digit);
        }
    }

    private static char MakeFold(char c)
    {
        if (c is >= '！' and <= '～') c = (char)(c - '！' + '!');
        return c switch
        {
            '\r' or '\n' or '\x85' or '\u2028' or '\u2029' or '。' or '!' or '?' or ';' or '…' => Break,
            '、' or '､' => ',',
            '·' or '•' or '・' or '‧' => '·',
            '−' or '﹣' or '﹘' => '-',
            '﹫' => '@',
            '￥' => '¥',
            '"' or '“' or '”' or '‘' or '’' => '\'',
            '\uFFFF' or '\uFFFE' => '\0',
            '\u20E3' or '\u034F' or (>= '\uFE00' and <= '\uFE0F') => Ignorable,
            // Tags and selectors of plane 14. The second half of any other character says nothing behind its first.
            (>= '\uDB40' and <= '\uDB43') or (>= '\uDC00' and <= '\uDFFF') => Ignorable,
            _ when char.IsDigit(c) => (char)('0' + CharUnicodeInfo.GetDecimalDigitValue(c)),
            _ when char.IsWhiteSpace(c) => ' ',
            _ => char.GetUnicodeCategory(c) switch
            {
                UnicodeCategory.Format => Ignorable,
                UnicodeCategory.DashPunctuation => '-',
                UnicodeCategory.OpenPunctuation => '(',
                UnicodeCategory.ClosePunctuation => ')',
                UnicodeCategory.Control => '\0',
                _ => c,
            },
        };
    }
}
