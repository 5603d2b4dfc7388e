namespace R1Grains.Compliance;

/// <summary>Finds each node of a trie a base: a number that no other node has, with a free slot at base + code for every child.</summary>
internal sealed class DoubleArray
{
    /// <summary>Free slots that may fail a node before the next ones of its width begin their search where it ended.</summary>
    private const int TriesMax = 64;

    private readonly int _codes;

    /// <summary>Free slots in a ring, ascending from slot 0, which is the root's and the ring's anchor; -1 where a slot is taken.</summary>
    private int[] _next = [], _previous = [];
    private bool[] _isBase = [];

    private int _highest;

    /// <summary>Children of the nodes that are being placed, and the first free slot that is looked at for them; 0 when there is none.</summary>
    private int _width, _start;

    private DoubleArray(int codes, int slots)
    {
        _codes = codes;
        Grow(slots);
        _isBase[0] = true;
    }

    /// <returns>By node; 0 for those without children.</returns>
    /// <exception cref="LexiconException">They need more slots than there may be.</exception>
    public static int[] Place(Trie trie, int codes, int slotsMax)
    {
        var array = new DoubleArray(codes, trie.Count + trie.Count / 8 + 2 * codes + 2);
        var bases = new int[trie.Count];
        // The widest first, while there is room; those with one child then fill the holes.
        foreach (var node in Enumerable.Range(0, trie.Count).Where(node => trie.Children[node] > 0).OrderByDescending(node => trie.Children[node]))
        {
            var codesOfNode = trie.Code.AsSpan(trie.FirstChild[node], trie.Children[node]);
            bases[node] = array.Find(codesOfNode);
            if (bases[node] + codes >= slotsMax)
                throw new LexiconException($"The lexicon needs more than {slotsMax:n0} states: {trie.Count:n0} prefixes were found. Part it into lists that are not used together.");
            array.Take(bases[node], codesOfNode);
        }
        return bases;
    }

    private int Find(ReadOnlySpan<ushort> codes)
    {
        if (codes.Length != _width) (_width, _start) = (codes.Length, _next[0]);
        var tries = 0;
        for (var slot = _start; slot != 0; slot = _next[slot])
        {
            var candidate = slot - codes[0];
            if (candidate <= 0) continue;
            if (_isBase[candidate] || !Fits(candidate, codes))
                tries++;
            else
            {
                if (tries > TriesMax) _start = slot;
                return candidate;
            }
        }
        var behind = Math.Max(1, _highest + 1 - codes[0]);
        while (_isBase[behind] || !Fits(behind, codes)) behind++;
        return behind;
    }

    private bool Fits(int candidate, ReadOnlySpan<ushort> codes)
    {
        // Behind the last slot everything is free.
        if (candidate + _codes >= _next.Length) Grow(_next.Length + _next.Length / 4 + _codes);
        foreach (var code in codes)
            if (_next[candidate + code] < 0)
                return false;
        return true;
    }

    private void Take(int at, ReadOnlySpan<ushort> codes)
    {
        _isBase[at] = true;
        foreach (var code in codes)
        {
            var slot = at + code;
            if (slot == _start) _start = _next[slot];
            (_next[_previous[slot]], _previous[_next[slot]]) = (_next[slot], _previous[slot]);
            _next[slot] = -1;
            _highest = Math.Max(_highest, slot);
        }
    }

    private void Grow(int slots)
    {
        var old = _next.Length;
        Array.Resize(ref _next, slots);
        Array.Resize(ref _previous, slots);
        Array.Resize(ref _isBase, slots);
        var tail = old == 0 ? 0 : _previous[0];
        for (var slot = Math.Max(1, old); slot < slots; slot++)
            (_next[tail], _previous[slot], tail) = (slot, tail, slot);
        (_next[tail], _previous[0]) = (0, tail);
        if (_start == 0) _start = Math.Max(1, old);
    }
}
