namespace R1Grains.Engine;

/// <summary>
/// Finds the first stop string to be complete in a text that arrives in pieces, and holds back exactly the tail that
/// could still become one. The engine ends an answer by it, the reader trims the answer by it, so they cannot differ.
/// </summary>
public sealed class StopStrings(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>The stop string that was found; nothing is released after it.</summary>
    public string? Matched { get; private set; }

    /// <summary>Takes more text; returns what can no longer be part of a stop string.</summary>
    public string Append(string text)
    {
        if (Matched is not null) return "";
        _held += text;
        var start = Find();
        return Release(start < 0 ? _held.Length - TailLength() : start, rest: start < 0);
    }

    /// <summary>The text has ended: returns what was held back.</summary>
    public string Flush() => Release(_held.Length, rest: false);

    private string Release(int length, bool rest)
    {
        var released = _held[..length];
        _held = rest ? _held[length..] : "";
        return released;
    }

    /// <summary>The start of the match that ends first (of two that end together, the longer), or -1.</summary>
    private int Find()
    {
        var (start, end) = (-1, int.MaxValue);
        foreach (var stop in stops)
        {
            var at = _held.IndexOf(stop, StringComparison.Ordinal);
            if (at < 0 || at + stop.Length > end || (at + stop.Length == end && at > start)) continue;
            (start, end, Matched) = (at, at + stop.Length, stop);
        }
        return start;
    }

    /// <summary>Length of the longest tail of the held text with which some stop string begins.</summary>
    private int TailLength()
    {
        var longest = 0;
        foreach (var stop in stops)
            for (var length = Math.Min(stop.Length - 1, _held.Length); length > longest; length--)
                if (_held.AsSpan(_held.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                    longest = length;
        return longest;
    }
}
