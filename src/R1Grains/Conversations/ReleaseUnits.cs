using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace R1Grains.Conversations;

/// <summary>
/// Cuts an answer into the units that are released one by one. A unit ends at sentence or clause punctuation or at
/// <see cref="CharactersMax"/>; its owner also asks for one when text has been held for too long. What it does next is
/// a function of the held text alone, never of how that text arrived.
/// </summary>
internal sealed class ReleaseUnits
{
    public const int CharactersMax = 48;

    private static readonly FrozenSet<char> Ends = "。！？；：，…\n.!?;:,".ToFrozenSet();

    /// <summary>What still belongs to a unit after the punctuation that ends it.</summary>
    private static readonly FrozenSet<char> Closers = "”’」』）】》〉\"')]}\r".ToFrozenSet();

    private string _held = "";

    /// <summary>Whether there is something to be released: white space alone waits for text.</summary>
    public bool Holds => !string.IsNullOrWhiteSpace(_held);

    public void Append(string text) => _held += text;

    /// <summary>The next complete unit, or null when more text could still belong to it.</summary>
    public string? Next() => Take(Complete(ended: false));

    /// <summary>
    /// Whatever is held, because it has waited long enough. Only a last character that usually goes on being composed
    /// (emoji, scripts with combining signs) stays back; after ASCII and Han nothing of the kind is expected.
    /// </summary>
    public string? Due() => Holds ? Take(IsOpen(LastElement()) ? LastElement() : _held.Length) : null;

    /// <summary>The next unit of an answer that has ended; white space alone is not worth one.</summary>
    public string? Rest() => Holds ? Take(Complete(ended: true)) : null;

    /// <summary>Takes off what was released earlier, as far as it is here.</summary>
    /// <returns>How much that is, in characters.</returns>
    public int Drop(int length)
    {
        var dropped = Math.Min(length, _held.Length);
        _held = _held[dropped..];
        return dropped;
    }

    private string? Take(int length)
    {
        if (length == 0) return null;
        var unit = _held[..length];
        _held = _held[length..];
        return unit;
    }

    /// <summary>The length of the first complete unit, or 0.</summary>
    private int Complete(bool ended)
    {
        var end = ClauseEnd();
        if (end > 0 && end <= CharactersMax && (end < _held.Length || ended)) return end;
        if (_held.Length > CharactersMax) return LastBoundary();
        return ended ? _held.Length : 0;
    }

    /// <summary>Where the first clause ends, its closing signs included; 0 when no clause does.</summary>
    private int ClauseEnd()
    {
        var said = false;
        for (var i = 0; i < _held.Length; i++)
        {
            said |= !char.IsWhiteSpace(_held[i]);
            if (!said || !Ends.Contains(_held[i]) || IsWithinWord(i)) continue;
            var end = i + 1;
            while (end < _held.Length && BelongsToEnd(_held[end])) end++;
            return end;
        }
        return 0;
    }

    /// <summary>3.14, 50,000, 9:30, www.bank.com: ASCII punctuation with no space after it ends nothing.</summary>
    private bool IsWithinWord(int at) =>
        _held[at] is not '\n' && char.IsAscii(_held[at]) && at + 1 < _held.Length && char.IsAsciiLetterOrDigit(_held[at + 1]);

    private static bool BelongsToEnd(char c) => Ends.Contains(c) || Closers.Contains(c) || CharUnicodeInfo.GetUnicodeCategory(c)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format;

    /// <summary>The last place within the bound where no character is cut in two.</summary>
    private int LastBoundary()
    {
        var boundary = 0;
        while (boundary + ElementLength(boundary) is var next && next <= CharactersMax) boundary = next;
        // One composed character that is longer than a unit has to be cut somewhere.
        return boundary > 0 ? boundary : char.IsLowSurrogate(_held[CharactersMax]) ? CharactersMax - 1 : CharactersMax;
    }

    private int LastElement()
    {
        var start = 0;
        while (start + ElementLength(start) is var next && next < _held.Length) start = next;
        return start;
    }

    private bool IsOpen(int element) => Rune.GetRuneAt(_held, element) is var rune && (_held.Length > element + rune.Utf16SequenceLength || rune.Value
        is not (<= 0x7F or (>= 0x2010 and <= 0x2027) or (>= 0x3000 and <= 0x3029) or (>= 0x3400 and <= 0x9FFF) or (>= 0xFF01 and <= 0xFF60)));

    private int ElementLength(int start) => StringInfo.GetNextTextElementLength(_held, start);
}
