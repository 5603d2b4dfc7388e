using System.Buffers;

namespace R1Grains.Compliance;

/// <summary>
/// Chinese entries by their syllables, for what is written in Latin letters, wholly (neimu xiaoxi) or in part (内mu消息).
/// English has many words that are syllables by accident, so a finding is confirmed: it begins and ends with a word, its
/// Chinese characters are the entry's own, and a few syllables count only where Chinese or other pinyin is around.
/// </summary>
internal sealed class PinyinReading
{
    private const int SyllablesMax = 12;

    /// <summary>Without any Chinese character, fewer letters are an abbreviation (AA+).</summary>
    private const int LettersMin = 4;

    /// <summary>Fewer syllables are English by accident (a huge, manage).</summary>
    private const int SurelyPinyin = 4;

    /// <summary>Of one entry whose characters are read in several ways.</summary>
    private const int SpellingsMax = 4;

    private readonly Lexicon _lexicon;
    private readonly Reading _reading;

    private PinyinReading(Lexicon lexicon, Reading reading) => (_lexicon, _reading) = (lexicon, reading);

    public long Size => _reading.Size;

    public Automaton Spellings => _reading.Spellings;

    public static PinyinReading Of(Lexicon lexicon)
    {
        List<(string, int)> spelled = new(lexicon.Count);
        Span<EntryForm> forms = stackalloc EntryForm[Lexicon.EntryCharactersMax];
        Span<char> spelling = stackalloc char[SyllablesMax];
        Span<int> ambiguous = stackalloc int[2];
        for (var entry = 0; entry < lexicon.Count; entry++)
        {
            var text = lexicon.Text(entry);
            if (text.Length > 2 * SyllablesMax || lexicon.Rule(entry).Action is LexiconAction.Allow) continue;
            var count = EntryForm.Of(text, forms);
            if (count is < 2 or > SyllablesMax) continue;
            var (isRead, ways) = (true, 0);
            for (var i = 0; i < count && isRead; i++)
            {
                var (first, second) = PinyinTable.Of(forms[i].Folded);
                isRead = first != 0 && forms[i].Run == 1;
                spelling[i] = (char)first;
                if (second != 0 && ways < ambiguous.Length) ambiguous[ways++] = i;
            }
            if (!isRead) continue;
            for (var way = 0; way < 1 << ways; way++)
            {
                for (var i = 0; i < ways; i++)
                {
                    var (first, second) = PinyinTable.Of(forms[ambiguous[i]].Folded);
                    spelling[ambiguous[i]] = (char)((way & (1 << i)) == 0 ? first : second);
                }
                spelled.Add((new string(spelling[..count]), entry));
            }
        }
        return new PinyinReading(lexicon, Reading.Of(spelled, PinyinTable.Count));
    }

    /// <summary>Whether there is anything to look at: a word that is syllables, or one that is more than it seems.</summary>
    public static bool MayHold(ReadOnlySpan<char> sentence)
    {
        if (sentence.ContainsAnyInRange('Ａ', 'ｚ')) return true;
        Span<char> word = stackalloc char[64];
        for (int at; (at = sentence.IndexOfAnyInRange('A', 'z')) >= 0;)
        {
            var before = at > 0 ? sentence[at - 1] : ' ';
            sentence = sentence[at..];
            var length = 0;
            while (length < sentence.Length && char.IsAsciiLetter(sentence[length])) length++;
            if (IsHiding(before) || (length < sentence.Length && IsHiding(sentence[length]))) return true;
            if (length is > 0 and < 64)
            {
                for (var i = 0; i < length; i++) word[i] = char.ToLowerInvariant(sentence[i]);
                if (PinyinTable.IsSyllables(word[..length])) return true;
            }
            sentence = sentence[Math.Max(1, length)..];
        }
        return false;
    }

    /// <summary>Beside a letter: a letter in disguise, or a sign that is not seen.</summary>
    private static bool IsHiding(char unit) => !char.IsAscii(unit) && Folding.Of[unit] is var folded && (folded is Folding.Dropped or Folding.Lead || Folding.IsLatin(folded));

    public void Find(ReadOnlySpan<char> sentence, List<Finding> findings)
    {
        var units = ArrayPool<Unit>.Shared.Rent(2 * sentence.Length);
        new Walk(_lexicon, _reading, units.AsSpan(0, Units(sentence, units)), stackalloc int[SyllablesMax], findings).Run();
        ArrayPool<Unit>.Shared.Return(units);
    }

    private static int Units(ReadOnlySpan<char> sentence, Unit[] units)
    {
        var (count, symbols, byClause) = (0, 0, false);
        foreach (var unit in new FoldedUnits(sentence))
        {
            if (unit.Folded is Folding.Dropped) continue;
            if (!Folding.IsWord(unit.Folded))
            {
                symbols += unit.Folded is Folding.Unknown ? EntryForm.SymbolsMax + 1 : 1;
                byClause |= unit.Folded is Folding.Clause or Folding.Stop;
                continue;
            }
            units[count++] = new Unit(unit.Folded, unit.Start, unit.End, symbols > 0, byClause || symbols > EntryForm.SymbolsMax);
            (symbols, byClause) = (0, false);
        }
        return count;
    }

    /// <param name="Parted">Something stands before it.</param>
    /// <param name="Cut">Nothing goes on over what stands before it.</param>
    private readonly record struct Unit(char Folded, int Start, int End, bool Parted, bool Cut)
    {
        public bool IsLetter => char.IsAsciiLetterLower(Folded);
    }

    private ref struct Walk(Lexicon lexicon, Reading reading, ReadOnlySpan<Unit> units, Span<int> path, List<Finding> findings)
    {
        private readonly ReadOnlySpan<Unit> _units = units;

        /// <summary>The unit at which each syllable so far begins.</summary>
        private readonly Span<int> _path = path;

        private bool? _isChinese;

        public void Run()
        {
            for (var start = 0; start < _units.Length; start++)
                if (IsWordStart(start))
                    Go(start, 0, 0, 0);
        }

        private readonly bool IsWordStart(int at) => !_units[at].IsLetter || at == 0 || _units[at].Parted || !Folding.IsLatin(_units[at - 1].Folded);

        private readonly bool IsWordEnd(int at) => at == _units.Length || _units[at].Parted || !Folding.IsLatin(_units[at].Folded) || !Folding.IsLatin(_units[at - 1].Folded);

        /// <param name="slot">Of the syllables so far.</param>
        /// <param name="written">How many of them are written in letters.</param>
        private void Go(int at, int slot, int syllables, int written)
        {
            if (written > 0 && IsWordEnd(at)) Report(at, slot, syllables, written);
            if (at == _units.Length || syllables == SyllablesMax || (syllables > 0 && _units[at].Cut)) return;
            _path[syllables] = at;
            if (!_units[at].IsLetter)
            {
                var (first, second) = PinyinTable.Of(_units[at].Folded);
                if (first != 0 && reading.Spellings.Child(slot, first) is >= 0 and var child) Go(at + 1, child, syllables + 1, written);
                _path[syllables] = at;
                if (second != 0 && reading.Spellings.Child(slot, second) is >= 0 and var other) Go(at + 1, other, syllables + 1, written);
                return;
            }
            for (int end = at, node = 0; end < _units.Length && _units[end].IsLetter && (end == at || !_units[end].Parted); end++)
            {
                node = PinyinTable.Next(node, _units[end].Folded);
                if (node == 0) return;
                if (PinyinTable.SyllableAt(node) is not (> 0 and var syllable) || reading.Spellings.Child(slot, syllable) is not (>= 0 and var child)) continue;
                // nei4 mu4: a tone belongs to its syllable.
                var next = end + 1;
                if (next < _units.Length && _units[next] is { Folded: >= '1' and <= '5', Parted: false }) next++;
                _path[syllables] = at;
                Go(next, child, syllables + 1, written + 1);
            }
        }

        private void Report(int end, int slot, int syllables, int written)
        {
            var entries = reading.EntriesAt(slot);
            if (entries.IsEmpty) return;
            var isOnlyLetters = written == syllables;
            if (isOnlyLetters && _units[end - 1].End - _units[_path[0]].Start < LettersMin) return;
            if (isOnlyLetters && syllables < SurelyPinyin && !IsChinese()) return;
            foreach (var entry in entries)
                if (HasItsCharacters(entry, syllables))
                    findings.Add(new Finding(_units[_path[0]].Start, _units[end - 1].End, entry));
        }

        /// <summary>What is written in Chinese is the very character of the entry.</summary>
        private readonly bool HasItsCharacters(int entry, int syllables)
        {
            Span<EntryForm> forms = stackalloc EntryForm[Lexicon.EntryCharactersMax];
            EntryForm.Of(lexicon.Text(entry), forms);
            for (var i = 0; i < syllables; i++)
                if (!_units[_path[i]].IsLetter && _units[_path[i]].Folded != forms[i].Folded)
                    return false;
            return true;
        }

        /// <summary>There are Chinese characters, or every word in letters is pinyin.</summary>
        private bool IsChinese()
        {
            if (_isChinese is { } known) return known;
            var isChinese = false;
            foreach (var unit in _units) isChinese |= PinyinTable.Of(unit.Folded).First != 0;
            if (!isChinese)
            {
                isChinese = true;
                for (var at = 0; at < _units.Length && isChinese; at++)
                    if (_units[at].IsLetter && IsWordStart(at))
                        isChinese = IsSyllables(at);
            }
            _isChinese = isChinese;
            return isChinese;
        }

        /// <summary>Whether the word that begins here is syllables and nothing else.</summary>
        private readonly bool IsSyllables(int start)
        {
            Span<char> word = stackalloc char[64];
            var length = 0;
            do word[length] = _units[start + length].Folded;
            while (++length < word.Length && start + length < _units.Length && _units[start + length] is { IsLetter: true, Parted: false });
            return PinyinTable.IsSyllables(word[..length]);
        }
    }
}
