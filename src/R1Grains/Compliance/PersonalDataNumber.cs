namespace R1Grains.Compliance;

/// <summary>
/// The digits from a place on, with what parts them: up to three signs, no more than one of them other than a space.
/// A number may end at the end of each of its groups.
/// </summary>
internal ref struct PersonalDataNumber
{
    /// <summary>One more than the longest item has.</summary>
    public const int DigitsMax = 20;

    private const int GapMax = 3;

    private readonly Span<byte> _digits;
    private readonly Span<int> _ends;

    private PersonalDataNumber(Span<byte> digits, Span<int> ends)
    {
        _digits = digits;
        _ends = ends;
    }

    public int Count { get; private set; }

    /// <summary>Bit i: a gap stands before digit i.</summary>
    public uint Gaps { get; private set; }

    /// <summary>Bit i: a dot is the gap before digit i.</summary>
    public uint Dots { get; private set; }

    /// <summary>Bit i: digit i is of another script than the one before it.</summary>
    public uint Scripts { get; private set; }

    /// <summary>Whether the text ends where the number could go on.</summary>
    public bool IsOpen { get; private set; }

    public readonly ReadOnlySpan<byte> Digits => _digits[..Count];

    /// <summary>Whether so many digits are written one by one.</summary>
    public readonly bool IsSpelled(int count) => count > 1 && count <= Count && (Gaps & Below(count)) == Below(count) - 1;

    /// <param name="digits">Of <see cref="DigitsMax"/>.</param>
    /// <param name="ends">Of <see cref="DigitsMax"/>.</param>
    public static PersonalDataNumber Read(PersonalDataText text, int at, Span<byte> digits, Span<int> ends)
    {
        var number = new PersonalDataNumber(digits, ends);
        while (true)
        {
            var digit = PersonalDataText.Digit(text[at]);
            digits[number.Count] = (byte)digit;
            ends[number.Count++] = at + 1;
            if (number.Count == DigitsMax) return number;
            var next = Gap(text, at + 1, out var hasDot);
            if (text[next] == PersonalDataText.Unknown) number.IsOpen = true;
            if (PersonalDataText.Digit(text[next]) < 0) return number;
            var bit = 1u << number.Count;
            if (next > at + 1) number.Gaps |= bit;
            if (hasDot) number.Dots |= bit;
            if (!PersonalDataText.IsOneScript(text[at], text[next])) number.Scripts |= bit;
            at = next;
        }
    }

    /// <summary>Where the gap that begins here ends; here, when there is none.</summary>
    public static int Gap(PersonalDataText text, int at, out bool hasDot)
    {
        hasDot = false;
        var hasSign = false;
        for (var length = 0; length < GapMax; length++)
        {
            var c = text[at + length];
            if (c is not (' ' or '-' or '.' or '·') || (c != ' ' && hasSign)) return at + length;
            hasSign |= c != ' ';
            hasDot |= c == '.';
        }
        return at + GapMax;
    }

    public readonly int End(int count) => _ends[count - 1];

    /// <summary>Whether a group ends after so many digits, as far as the text goes.</summary>
    public readonly bool EndsAfter(int count) => count == Count ? count < DigitsMax : ((Gaps | Scripts) >> count & 1) != 0;

    /// <summary>Whether the first digits stand in groups that end at these places only.</summary>
    public readonly bool IsGrouped(int count, uint places) => (Gaps & Below(count) & ~places) == 0;

    /// <summary>The value of the first digits.</summary>
    public readonly int Value(int from, int count)
    {
        var value = 0;
        foreach (var digit in _digits.Slice(from, count)) value = value * 10 + digit;
        return value;
    }

    private static uint Below(int count) => (1u << count) - 1;

    /// <summary>Whether a number may begin here: not within a longer one, a word, an amount or a code.</summary>
    public static bool MayBegin(PersonalDataText text, int at)
    {
        var (first, before) = (text[at], text[at - 1]);
        var isAscii = char.IsAsciiDigit(first);
        if (PersonalDataText.Digit(before) >= 0) return !PersonalDataText.IsOneScript(before, first);
        if (PersonalDataText.IsWord(before)) return !isAscii;
        return before switch
        {
            '-' => !PersonalDataText.IsWord(text[at - 2]),
            // 3.14, but not the first entry of a list: "1.138…"
            '.' => PersonalDataText.Digit(text[at - 2]) < 0 || (text[at - 2] is >= '1' and <= '9' && text[at - 3] is PersonalDataText.Break or ' '),
            '¥' or '$' or '€' or '£' => false,
            _ => true,
        };
    }

    /// <summary>Whether a number may end here, before what follows; null as long as that is not there.</summary>
    public static bool? MayEnd(PersonalDataText text, int end)
    {
        var (last, c) = (text[end - 1], text[end]);
        var isAscii = char.IsAsciiLetterOrDigit(last);
        if (c == PersonalDataText.Unknown) return null;
        if (PersonalDataText.Digit(c) >= 0) return !PersonalDataText.IsOneScript(last, c);
        if (PersonalDataText.IsWord(c)) return !isAscii;
        if (IsMoney(c)) return false;
        if (c is not (' ' or '.' or '-' or '·')) return true;
        var next = text[end + 1];
        if (next == PersonalDataText.Unknown) return null;
        return c switch
        {
            ' ' => !IsMoney(next),
            '-' => !PersonalDataText.IsWord(next),
            _ => PersonalDataText.Digit(next) < 0,
        };
    }

    private static bool IsMoney(char c) => c is '元' or '万' or '萬' or '亿' or '億' or '圆' or '圓' or '块' or '塊' or '円' or '%' or '$' or '€' or '£' or '¥';
}
