using System.Globalization;
using System.Text;

namespace R1Grains.Engine.Models;

/// <summary>
/// A text without what no reader sees. A model reads it all the same, so it could be told what nobody who looks on is
/// told. What changes how a neighbour looks stays where it does so: variation selectors, and joiners between emoji and in
/// scripts that need them; everything else that is without width goes, controls, bidirectional marks and tags among it.
/// </summary>
public sealed class VisibleText
{
    private const int
        NonJoiner = 0x200C,
        Joiner = 0x200D,
        Keycap = 0x20E3,
        TextStyle = 0xFE0E,
        EmojiStyle = 0xFE0F;

    // Of each unit in the source, and the source's end; null where nothing went.
    private readonly int[]? _places;

    private VisibleText(string text, int[]? places) => (Text, _places) = (text, places);

    /// <summary>What is left.</summary>
    public string Text { get; }

    public static VisibleText Of(string text)
    {
        var first = FirstDoubtful(text);
        return first < 0 ? new(text, null) : Without(text, first);
    }

    /// <summary>Where a span of <see cref="Text"/> stands in the source, in UTF-16 units.</summary>
    public (int Start, int End) InSource(int start, int end) =>
        _places is null ? (start, end) : end == start ? (_places[start], _places[start]) : (_places[start], _places[end - 1] + 1);

    private static VisibleText Without(string text, int first)
    {
        var visible = new StringBuilder(text, 0, first, text.Length);
        var places = new List<int>(text.Length);
        for (var i = 0; i < first; i++) places.Add(i);
        var before = first == 0 ? default(Kept) : Kept.Last(text.AsSpan(0, first));
        for (var at = first; at < text.Length;)
        {
            var (point, length) = Read(text, at);
            var next = at + length < text.Length ? Read(text, at + length).Point : -1;
            if (Instead(point) is { } seen)
            {
                visible.Append(seen);
                places.Add(at);
                before = new(seen, before.Point);
            }
            else if (IsSeen(point, before, next))
            {
                visible.Append(text, at, length);
                for (var i = 0; i < length; i++) places.Add(at + i);
                before = new(point, before.Point);
            }
            at += length;
        }
        places.Add(text.Length);
        return new(visible.ToString(), [.. places]);
    }

    /// <summary>Line breaks of other times; half a character, which must not meet its other half.</summary>
    private static char? Instead(int point) => point switch
    {
        0x0B or 0x0C or 0x85 => '\n',
        >= 0xD800 and <= 0xDFFF => '\uFFFD',
        _ => null,
    };

    /// <param name="next">As it stands in the source; -1 at the end.</param>
    private static bool IsSeen(int point, Kept before, int next) => point switch
    {
        _ when !IsDoubtful(point) => true,
        TextStyle or EmojiStyle when before.Point is '#' or '*' or (>= '0' and <= '9') => next == Keycap,
        TextStyle or EmojiStyle => IsPicture(before.Point) || IsDrawnAlso(before.Point),
        >= 0xFE00 and < TextStyle => IsHan(before.Point) || (before.Point >= 0x2190 && Category(before.Point) is UnicodeCategory.MathSymbol),
        >= 0xE0100 and <= 0xE01EF => IsHan(before.Point),
        (>= 0x180B and <= 0x180D) or 0x180F => before.Point is >= 0x1820 and <= 0x18AA,
        Joiner when IsPicture(next) => IsPicture(before.Point) || (before.Point is EmojiStyle && IsPicture(before.BeforeIt)),
        Joiner or NonJoiner => Joins(before.Point) && Joins(next),
        _ => false,
    };

    /// <summary>What is without width, or may be, or does not stay as it is.</summary>
    private static bool IsDoubtful(int point) => point switch
    {
        >= 0xD800 and <= 0xDFFF => true,
        '\t' or '\n' or '\r' => false,
        < 0x20 or (>= 0x7F and <= 0x9F) or 0xAD or 0x34F or 0x61C => true,
        0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) => true,
        (>= 0x200B and <= 0x200F) or (>= 0x202A and <= 0x202E) or (>= 0x2060 and <= 0x206F) => true,
        0x3164 or (>= 0xFE00 and <= 0xFE0F) or 0xFEFF or 0xFFA0 or (>= 0xFFF0 and <= 0xFFFB) => true,
        (>= 0x1BCA0 and <= 0x1BCA3) or (>= 0x1D173 and <= 0x1D17A) or (>= 0xE0000 and <= 0xE0FFF) => true,
        _ => false,
    };

    private static int FirstDoubtful(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var (point, length) = char.IsSurrogate(text[at]) ? Read(text, at) : (text[at], 1);
            if (IsDoubtful(point)) return at;
            at += length;
        }
        return -1;
    }

    /// <summary>Half a character is read as it stands.</summary>
    private static (int Point, int Length) Read(string text, int at) =>
        char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? (char.ConvertToUtf32(text[at], text[at + 1]), 2) : (text[at], 1);

    private static UnicodeCategory Category(int point) => CharUnicodeInfo.GetUnicodeCategory(point);

    /// <summary>Emoji, their skin tones, and symbols like them. Signs of ASCII are none: they stand in marks.</summary>
    private static bool IsPicture(int point) => point >= 0x2190 && (Category(point) is UnicodeCategory.OtherSymbol or UnicodeCategory.MathSymbol || point is >= 0x1F3FB and <= 0x1F3FF);

    /// <summary>What a style draws as emoji though it is usually text: © ® ‼ ⁉ ™ ℹ 〰 〽.</summary>
    private static bool IsDrawnAlso(int point) => point is 0xA9 or 0xAE or 0x203C or 0x2049 or 0x2122 or 0x2139 or 0x3030 or 0x303D;

    private static bool IsHan(int point) => point is (>= 0x3400 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x3FFFF);

    /// <summary>Scripts in which a joiner, or its opposite, decides about a letter's form: Arabic to Sinhala, Myanmar, Khmer, Mongolian.</summary>
    private static bool Joins(int point) =>
        point is (>= 0x600 and <= 0xDFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x18AF)
        && !IsDoubtful(point) && Category(point) is not (UnicodeCategory.DecimalDigitNumber or UnicodeCategory.OtherPunctuation);

    /// <summary>The last character that stayed, and the one before it.</summary>
    private readonly record struct Kept(int Point, int BeforeIt)
    {
        public static Kept Last(ReadOnlySpan<char> text)
        {
            Rune.DecodeLastFromUtf16(text, out var last, out var length);
            Rune.DecodeLastFromUtf16(text[..^length], out var beforeIt, out _);
            return new(last.Value, beforeIt.Value);
        }
    }
}
