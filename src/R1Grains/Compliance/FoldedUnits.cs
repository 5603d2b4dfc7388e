namespace R1Grains.Compliance;

/// <summary>A whole text, folded: words as their characters, everything else as the signs of <see cref="Folding"/>.</summary>
internal ref struct FoldedUnits(ReadOnlySpan<char> text)
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _next;
    private char _second;

    public Unit Current { get; private set; }

    public readonly FoldedUnits GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_second != 0)
        {
            Current = Current with { Folded = _second };
            _second = '\0';
            return true;
        }
        if (_next == _text.Length) return false;
        var start = _next++;
        var folded = Folding.Of[_text[start]];
        if (folded is Folding.Lead)
            if (_next < _text.Length && char.IsLowSurrogate(_text[_next]))
            {
                var trail = _text[_next++];
                if (Folding.OfSupplementary(_text[start], trail) is { } known) folded = known;
                else (folded, _second) = (_text[start], trail);
            }
            else
                folded = Folding.Unknown;
        if (folded is >= Folding.Pair and <= Folding.Last)
        {
            var pair = Folding.Pairs[folded - Folding.Pair];
            (folded, _second) = (pair[0], pair[1]);
        }
        Current = new Unit(folded, start, _next);
        return true;
    }

    /// <param name="Start">Of its source.</param>
    /// <param name="End">Of its source.</param>
    public readonly record struct Unit(char Folded, int Start, int End);
}
