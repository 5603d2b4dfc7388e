using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>
/// What a lexicon must find, by trying every entry at every place of the whole text. It shares the folding of characters
/// with the lexicon and nothing else: no automaton, no stream, no state.
/// </summary>
internal sealed class NaiveScan
{
    private readonly List<(LexiconEntry Entry, EntryForm[] Form)> _entries = [];
    private readonly int _matchMax;

    public NaiveScan(IEnumerable<LexiconEntry> entries)
    {
        var positions = new EntryForm[Lexicon.EntryCharactersMax];
        var longest = 0;
        foreach (var entry in entries.Distinct())
        {
            _entries.Add((entry, positions[..EntryForm.Of(entry.Text, positions)]));
            longest = Math.Max(longest, entry.Text.Length);
        }
        _matchMax = longest + Lexicon.SlippedInMax;
    }

    /// <summary>Where each hit starts and ends, and of which entry, in this order.</summary>
    public List<(int Start, int End, string Entry)> Find(string text)
    {
        var positions = Positions(text);
        var found = _entries.SelectMany(entry => Enumerable.Range(0, positions.Count).Select(first => (entry.Entry, Place: Match(positions, first, entry.Form)))).Where(match => match.Place is not null).ToList();
        var whites = found.Where(match => match.Entry.Rule.Action is LexiconAction.Allow).ToList();
        return [.. found.Except(whites)
            .Select(match => (match.Place!.Value.Start, match.Place.Value.End, match.Entry.Text))
            .Where(hit => !whites.Exists(white => white.Place!.Value.Start <= hit.Start && hit.End <= white.Place.Value.End))
            .Order()];
    }

    /// <summary>The text's words, a run of one character as one.</summary>
    private static List<Position> Positions(string text)
    {
        List<Position> positions = [];
        var (symbols, space, clause, cut, afterFullStop) = (0, false, false, true, false);
        // Characters as a match counts them: one that is not seen is free after one that is.
        var (ordinal, counted, unseen) = (-1, -1, true);
        foreach (var unit in new FoldedUnits(text))
        {
            var folded = unit.Folded;
            if (unit.Start != counted && !(folded is Folding.Dropped && !unseen)) ordinal++;
            (counted, unseen) = (unit.Start, folded is Folding.Dropped);
            if (folded is Folding.Dropped) continue;
            if (folded is Folding.Unknown)
            {
                (symbols, space, clause, cut, afterFullStop) = (0, false, false, true, false);
                continue;
            }
            if (!Folding.IsWord(folded))
            {
                space |= folded is Folding.Space;
                clause |= folded is Folding.Clause or Folding.Stop || (folded is Folding.Space && afterFullStop);
                afterFullStop = folded is Folding.FullStop;
                cut |= ++symbols > EntryForm.SymbolsMax;
                continue;
            }
            var last = positions.Count > 0 ? positions[^1] : null;
            if (last is not null && !cut && last.Folded == folded && !char.IsAsciiDigit(folded) && last.Units.Count < EntryForm.RunMax && !(Folding.IsLatin(folded) && (space || clause)))
                last.Units.Add(new Unit(unit.Start, unit.End, ordinal, symbols > 0));
            else
            {
                var isInner = last is not null && symbols == 0 && !cut && Folding.IsLatin(last.Folded) && Folding.IsLatin(folded);
                positions.Add(new Position(folded, symbols > 0, space, clause, cut, isInner) { Units = { new Unit(unit.Start, unit.End, ordinal, false) } });
            }
            (symbols, space, clause, cut, afterFullStop) = (0, false, false, false, false);
        }
        return positions;
    }

    private (int Start, int End)? Match(List<Position> text, int first, EntryForm[] form)
    {
        if (first + form.Length > text.Count || text[first].IsInner) return null;
        var (gaps, clauses, joined, spaced) = (0, 0, 0, 0);
        for (var k = 0; k < form.Length; k++)
        {
            var position = text[first + k];
            if (position.Folded != form[k].Folded || (k > 0 && position.Cut)) return null;
            var isLatin = Folding.IsLatin(position.Folded);
            var isLast = k == form.Length - 1;
            var run = isLast && isLatin ? Adjacent(position) : position.Units.Count;
            if (run < form[k].Run || (isLatin && run != form[k].Run && run < 3)) return null;
            if (k == 0) continue;
            var slippedIn = position.Parted && (!form[k].Parted || (position.Clause && !form[k].ByClause));
            gaps += slippedIn ? 1 : 0;
            clauses += slippedIn && position.Clause ? 1 : 0;
            if (!isLatin || !Folding.IsLatin(text[first + k - 1].Folded)) continue;
            spaced += slippedIn && position.Space ? 1 : 0;
            joined += !position.Parted && !form[k].Parted ? 1 : 0;
        }
        if ((clauses > 0 && gaps < 2) || (spaced > 0 && joined > 0)) return null;

        var last = text[first + form.Length - 1];
        var end = last.Units[(Folding.IsLatin(last.Folded) ? Adjacent(last) : form[^1].Run) - 1];
        if (Distance(end) >= _matchMax) return null;
        var next = Folding.IsLatin(last.Folded) && Adjacent(last) == last.Units.Count && first + form.Length < text.Count ? text[first + form.Length] : null;
        return next is { IsInner: true } && Distance(next.Units[0]) <= _matchMax ? null : (text[first].Units[0].Start, end.End);

        int Distance(Unit unit) => unit.Ordinal - text[first].Units[0].Ordinal;

        // A word goes on with the next letter, unless more than a match may hold lies between.
        int Adjacent(Position position) =>
            position.Units.FindIndex(1, unit => unit.Parted || Distance(unit) > _matchMax) is > 0 and var parted ? parted : position.Units.Count;
    }

    private sealed record Position(char Folded, bool Parted, bool Space, bool Clause, bool Cut, bool IsInner)
    {
        public List<Unit> Units { get; } = [];
    }

    /// <summary>A character of the source, of one UTF-16 unit or two.</summary>
    /// <param name="Parted">A symbol stands before it.</param>
    private readonly record struct Unit(int Start, int End, int Ordinal, bool Parted);
}
