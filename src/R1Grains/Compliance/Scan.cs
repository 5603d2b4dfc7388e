using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace R1Grains.Compliance;

/// <summary>
/// Reads a text of which more may come, and knows after each character what was found and up to where nothing can still
/// become part of a match. It is a function of the characters alone: how they were cut into pieces leaves no trace.
/// </summary>
/// <remarks>
/// A match is an entry's folded characters one after the other, where
/// — up to <see cref="EntryForm.SymbolsMax"/> symbols in a row, and whatever is not seen, may stand in between;
/// — a character may be repeated: any number of times, but three times at least in Latin words, which have double letters;
/// — the whole is no longer than <see cref="Lexicon.MatchMax"/>;
/// — what begins or ends with a Latin letter or digit begins or ends a word;
/// — a single comma or full stop within is taken for what it is, the end of a clause; so is a space within a Latin word,
///   unless all its letters are spaced out;
/// — no match of a white entry contains it.
/// </remarks>
internal sealed class Scan
{
    /// <summary>Positions that are remembered: a power of two above <see cref="Automaton.DepthMax"/>.</summary>
    private const int Kept = 64;

    private readonly Lexicon _lexicon;
    private readonly ulong[] _nodes;
    private readonly int _matchMax;
    private readonly bool[] _concerned;
    private readonly Position[] _positions = new Position[Kept];

    /// <summary>Found, but a white entry or the rest of a word can still make nothing of it. None starts before <see cref="Safe"/>.</summary>
    private readonly List<Candidate> _candidates = [];
    private readonly List<Hit> _hits = [];

    /// <summary>Positions so far.</summary>
    private int _count;

    private int _slot;
    private ulong _node;

    /// <summary>The code of the last position; 0 where nothing goes on from it.</summary>
    private int _last;

    /// <summary>In a row, since the last position.</summary>
    private int _symbols;

    /// <summary>What stands between the last position and the next.</summary>
    private Marks _between;

    /// <summary>The last visible character was . ! or ?, which end a clause and a sentence before white space.</summary>
    private bool _fullStop;

    /// <summary>The first half of a character whose second has not come; 0 for none.</summary>
    private char _lead;

    /// <summary>Units read.</summary>
    private int _at;

    /// <summary>Of them: second halves of characters, and the first in each row of what is not seen.</summary>
    private int _uncounted;

    /// <summary>Where the last character that is not seen ended.</summary>
    private int _unseenEnd;

    public Scan(Lexicon lexicon, bool[] concerned)
    {
        (_lexicon, _nodes, _matchMax, _concerned) = (lexicon, lexicon.Words.Nodes, lexicon.MatchMax, concerned);
        _node = _nodes[0];
    }

    [Flags]
    private enum Marks : byte
    {
        None = 0,
        Symbol = 1,
        Space = 2,
        Clause = 4,
        /// <summary>A Latin letter or digit right after another: no word begins here.</summary>
        Inner = 8,
        /// <summary>A Latin letter again, after a symbol: the word has ended before.</summary>
        Apart = 16,
        Between = Symbol | Space | Clause,
    }

    public Lexicon Lexicon => _lexicon;

    /// <summary>By rule of the lexicon.</summary>
    public bool[] Concerned => _concerned;

    /// <summary>In the order in which they were decided; then by start.</summary>
    public List<Hit> Hits => _hits;

    /// <summary>No unit before this one can be part of a match that is not among the hits.</summary>
    public int Safe { get; private set; }

    /// <summary>The same before the last character.</summary>
    public int SafeBefore { get; private set; }

    /// <summary>Whether the last call of <see cref="Read"/> ended with a sentence.</summary>
    public bool EndsSentence { get; private set; }

    /// <summary>Reads to the end of the text or of a sentence, whichever comes first.</summary>
    /// <returns>Units read.</returns>
    public int Read(ReadOnlySpan<char> text)
    {
        EndsSentence = false;
        var start = _at;
        var codes = _lexicon.Codes;
        for (var i = 0; i < text.Length; i++)
        {
            int code = codes[text[i]];
            _at = start + i + 1;
            SafeBefore = Safe;
            if ((uint)(code - 1) < Lexicon.Sign - 1 && code != _last && _lead == 0)
            {
                Step(code, _at - 1, _at, _at);
                continue;
            }
            Unusual(text[i], code);
            if (EndsSentence) return i + 1;
        }
        return text.Length;
    }

    /// <summary>Nothing follows.</summary>
    public void End()
    {
        SafeBefore = Safe;
        if (_lead != 0) Break(_at);
        Settle(wordGoesOn: false);
        Reset();
        Advance(_at);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Unusual(char unit, int code)
    {
        if (_lead != 0)
        {
            var lead = _lead;
            _lead = '\0';
            if (char.IsLowSurrogate(unit))
            {
                _uncounted++;
                Supplementary(lead, unit);
                return;
            }
            Break(_at - 1);
        }
        if (code == (Lexicon.Sign | (Folding.Lead - Folding.First)))
        {
            _lead = unit;
            if (_slot == 0) Advance(_at - 1);
        }
        else
            Take(code, _at - 1);
    }

    private void Supplementary(char lead, char trail)
    {
        if (Folding.OfSupplementary(lead, trail) is { } folded)
            Take(Code(folded), _at - 2);
        else
        {
            Word(Code(lead), _at - 2, _at - 2);
            Word(Code(trail), _at - 2, _at);
        }
    }

    /// <summary>The code of a folded character, which is its own folded form, or of a sign.</summary>
    private int Code(char folded) => Folding.IsWord(folded) ? _lexicon.CodeOf(folded) : folded is Folding.Unknown ? 0 : Lexicon.Sign | (folded - Folding.First);

    /// <param name="start">Where the character starts, of one unit or two.</param>
    private void Take(int code, int start)
    {
        if (code < Lexicon.Sign)
        {
            _fullStop = false;
            Word(code, start, _at);
            return;
        }
        var sign = (char)(Folding.First + (code & ~Lexicon.Sign));
        switch (sign)
        {
            case Folding.Dropped:
                if (_unseenEnd != start) _uncounted++;
                _unseenEnd = _at;
                Stay();
                return;
            case Folding.Symbol:
                Pass(Marks.Symbol);
                break;
            case Folding.Space:
                Pass(_fullStop ? Marks.Space | Marks.Clause : Marks.Space);
                EndsSentence = _fullStop;
                break;
            case Folding.Clause:
                Pass(Marks.Clause);
                break;
            case Folding.Stop:
                Pass(Marks.Clause);
                EndsSentence = true;
                break;
            case Folding.FullStop:
                Pass(Marks.Symbol);
                _fullStop = true;
                return;
            default:
                var pair = Folding.Pairs[sign - Folding.Pair];
                Word(Code(pair[0]), start, start);
                Word(Code(pair[1]), start, _at);
                break;
        }
        _fullStop = false;
    }

    /// <param name="safe">The end of the character; its start for the first half of one that is two.</param>
    private void Word(int code, int start, int safe)
    {
        if (code == 0)
            Break(safe);
        else if (code == _last && code > Lexicon.LastDigit && _positions[(_count - 1) & (Kept - 1)].Run < EntryForm.RunMax && !(code <= Lexicon.LastLatin && (_between & (Marks.Space | Marks.Clause)) != 0))
            Repeat(code);
        else
            Step(code, start, safe, _at);
    }

    /// <summary>A character of the alphabet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Step(int code, int start, int safe, int end)
    {
        var between = _between;
        if (code <= Lexicon.LastLatin && between == Marks.None && _last is > 0 and <= Lexicon.LastLatin) between = Marks.Inner;
        if (_candidates.Count > 0) Settle(wordGoesOn: between == Marks.Inner);

        ref var nodes = ref MemoryMarshal.GetArrayDataReference(_nodes);
        var (slot, node) = (_slot, _node);
        while (true)
        {
            // Every base and every code lie within the nodes: Automaton makes them so.
            var child = Automaton.Base(node) + code;
            var next = Unsafe.Add(ref nodes, child);
            if (Automaton.Check(next) == code)
            {
                (slot, node) = (child, next);
                break;
            }
            if (slot == 0) break;
            slot = Automaton.Fail(node);
            node = Unsafe.Add(ref nodes, slot);
        }
        _positions[_count++ & (Kept - 1)] = new Position(start, _at - _uncounted - 1, (ushort)code, 1, between);
        (_slot, _node, _last, _symbols, _between, _fullStop) = (slot, node, code, 0, Marks.None, false);
        Trim();
        if (Automaton.Ends(_node)) Collect(end, again: false);
        Advance(_slot == 0 ? safe : StartOfState());
    }

    /// <summary>The last character once more: the position grows.</summary>
    private void Repeat(int code)
    {
        ref var position = ref _positions[(_count - 1) & (Kept - 1)];
        position.Run++;
        if (_between != Marks.None && code <= Lexicon.LastLatin) position.Before |= Marks.Apart;
        var hasEnded = (position.Before & Marks.Apart) != 0;
        if (!hasEnded && code <= Lexicon.LastLatin) Settle(wordGoesOn: true);
        (_symbols, _between) = (0, Marks.None);
        Trim();
        // A Latin word that has ended does not end again.
        if (Automaton.Ends(_node) && !hasEnded) Collect(_at, again: true);
        Advance(_slot == 0 ? _at : StartOfState());
    }

    /// <summary>A symbol.</summary>
    private void Pass(Marks mark)
    {
        Settle(wordGoesOn: false);
        // A Latin word that nothing can lengthen has ended.
        while (_slot != 0 && _last <= Lexicon.LastLatin && Automaton.Base(_node) == 0) Fall();
        _between |= mark;
        if (++_symbols > EntryForm.SymbolsMax) Reset();
        Stay();
    }

    /// <summary>A character that changes nothing but the length.</summary>
    private void Stay()
    {
        Trim();
        Advance(_slot == 0 ? _at : StartOfState());
    }

    /// <summary>A character that is in no entry.</summary>
    private void Break(int safe)
    {
        Settle(wordGoesOn: false);
        Reset();
        (_symbols, _between, _fullStop) = (0, Marks.None, false);
        Advance(safe);
    }

    private void Reset() => (_slot, _node, _last) = (0, _nodes[0], 0);

    private int StartOfState() => _positions[(_count - Automaton.Depth(_node)) & (Kept - 1)].Start;

    /// <summary>Lets go of beginnings from which no match can come: within a word, or too long ago.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Trim()
    {
        while (_slot != 0)
        {
            ref var first = ref _positions[(_count - Automaton.Depth(_node)) & (Kept - 1)];
            if ((first.Before & Marks.Inner) == 0 && _at - _uncounted - first.Ordinal <= _matchMax) return;
            Fall();
        }
    }

    /// <summary>To the longest suffix.</summary>
    private void Fall()
    {
        _slot = Automaton.Fail(_node);
        _node = _nodes[_slot];
    }

    /// <summary>The words that end here, the longest first.</summary>
    /// <param name="again">The last position has grown: only what needed that is new.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Collect(int end, bool again)
    {
        for (var slot = _slot; slot != 0; slot = Automaton.Fail(_nodes[slot]))
        {
            var node = _nodes[slot];
            if (!Automaton.Ends(node)) break;
            if (_lexicon.Words.Ordinal(slot) is not (>= 0 and var ordinal)) continue;
            var depth = Automaton.Depth(node);
            var first = _positions[(_count - depth) & (Kept - 1)];
            if ((first.Before & Marks.Inner) != 0) continue;
            var (entry, entries) = _lexicon.EntriesOf(ordinal);
            for (; entry < entries; entry++)
                if (_concerned[_lexicon.RuleIndex(entry)] && Confirms(entry, depth, again))
                    Add(new Candidate(first.Start, end, entry, IsOpen: _last <= Lexicon.LastLatin, _lexicon.Rule(entry).Action is LexiconAction.Allow));
        }
        // Where nothing can follow, nothing is waited for.
        while (_slot != 0 && _last > Lexicon.LastLatin && Automaton.Base(_node) == 0 && !MayGrow()) Fall();
    }

    /// <summary>Whether an entry of this very state needs more of the last character than there is.</summary>
    private bool MayGrow()
    {
        Span<EntryForm> forms = stackalloc EntryForm[Lexicon.EntryCharactersMax];
        var (entry, entries) = _lexicon.EntriesOf(_lexicon.Words.Ordinal(_slot));
        for (; entry < entries; entry++)
            if (forms[EntryForm.Of(_lexicon.Text(entry), forms) - 1].Run > _positions[(_count - 1) & (Kept - 1)].Run)
                return true;
        return false;
    }

    private void Add(Candidate found)
    {
        if (found.IsWhite && !found.IsOpen) Whiten(found);
        else if (!_candidates.Exists(white => white.IsWhite && !white.IsOpen && white.Contains(found))) _candidates.Add(found);
    }

    private void Whiten(Candidate white)
    {
        _candidates.RemoveAll(candidate => !candidate.IsWhite && white.Contains(candidate));
        // What ends with it is found after it.
        _candidates.Add(white);
    }

    /// <summary>Whether the last positions are the entry as it is written, runs and gaps included.</summary>
    private bool Confirms(int entry, int depth, bool again)
    {
        Span<EntryForm> forms = stackalloc EntryForm[Lexicon.EntryCharactersMax];
        EntryForm.Of(_lexicon.Text(entry), forms);
        var (gaps, clauses, joined, spaced) = (0, 0, 0, 0);
        for (var k = 0; k < depth; k++)
        {
            ref var position = ref _positions[(_count - depth + k) & (Kept - 1)];
            var form = forms[k];
            if (position.Run < form.Run) return false;
            var isLatin = position.Code <= Lexicon.LastLatin;
            if (isLatin && position.Run != form.Run && position.Run < 3) return false;
            if (again && k == depth - 1 && !isLatin && position.Run != form.Run) return false;
            if (k == 0) continue;
            var parted = (position.Before & Marks.Between) != 0;
            var byClause = (position.Before & Marks.Clause) != 0;
            var slippedIn = parted && (!form.Parted || (byClause && !form.ByClause));
            if (slippedIn) gaps++;
            if (slippedIn && byClause) clauses++;
            if (!isLatin || _positions[(_count - depth + k - 1) & (Kept - 1)].Code > Lexicon.LastLatin) continue;
            if (slippedIn && (position.Before & Marks.Space) != 0) spaced++;
            if (!parted && !form.Parted) joined++;
        }
        return !(clauses > 0 && gaps < 2) && !(spaced > 0 && joined > 0);
    }

    /// <summary>Words that ended with the last position: whether they did.</summary>
    private void Settle(bool wordGoesOn)
    {
        if (_candidates.Count == 0) return;
        if (wordGoesOn)
        {
            _candidates.RemoveAll(candidate => candidate.IsOpen);
            return;
        }
        var settled = CollectionsMarshal.AsSpan(_candidates);
        var whites = false;
        foreach (ref var candidate in settled)
        {
            whites |= candidate is { IsOpen: true, IsWhite: true };
            candidate = candidate with { IsOpen = false };
        }
        if (whites) _candidates.RemoveAll(candidate => !candidate.IsWhite && _candidates.Exists(white => white.IsWhite && white.Contains(candidate)));
    }

    /// <summary>Moves the safe place on; what starts before it is decided.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance(int safe)
    {
        if (_candidates.Count > 0) Decide(safe);
        Safe = safe;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Decide(int safe)
    {
        // Too much that is not seen follows: the word has ended.
        if (_candidates.Exists(candidate => candidate.IsOpen && candidate.Start < safe)) Settle(wordGoesOn: false);
        var known = _hits.Count;
        foreach (var candidate in _candidates)
            if (!candidate.IsWhite && candidate.Start < safe)
                _hits.Add(new Hit(candidate.Start, candidate.End, _lexicon.Entry(candidate.Entry), Disguise.None, SafeBefore));
        _candidates.RemoveAll(candidate => candidate.Start < safe);
        if (_hits.Count - known > 1) _hits.Sort(known, _hits.Count - known, HitOrder.ByPlace);
    }

    /// <summary>A folded character, or a run of one.</summary>
    /// <param name="Start">In units of the text.</param>
    /// <param name="Ordinal">In characters, as <see cref="Lexicon.MatchMax"/> counts them.</param>
    private record struct Position(int Start, int Ordinal, ushort Code, byte Run, Marks Before);

    /// <param name="IsOpen">It ends with a Latin letter or digit, and what follows is not known yet.</param>
    private readonly record struct Candidate(int Start, int End, int Entry, bool IsOpen, bool IsWhite)
    {
        public bool Contains(Candidate other) => Start <= other.Start && other.End <= End;
    }
}
