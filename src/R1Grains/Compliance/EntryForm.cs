namespace R1Grains.Compliance;

/// <summary>
/// One character of an entry, folded. A run of the same character is one position, symbols in between or not; not so
/// Latin letters of two words, and digits, because another number is another meaning.
/// </summary>
/// <param name="Run">How many there are side by side.</param>
/// <param name="Parted">Whether a symbol or space stands before it in the entry.</param>
/// <param name="ByClause">Whether that is punctuation of clauses.</param>
internal readonly record struct EntryForm(char Folded, byte Run, bool Parted, bool ByClause)
{
    /// <summary>A longer run of one character is taken for two.</summary>
    public const int RunMax = 16;

    /// <summary>Symbols that may stand between two characters of a match, one after the other.</summary>
    public const int SymbolsMax = 3;

    /// <summary>The positions of an entry.</summary>
    /// <returns>How many; -1 where they do not fit, where it has more symbols in a row than a match may, or a character nothing is known of.</returns>
    public static int Of(ReadOnlySpan<char> text, Span<EntryForm> positions)
    {
        var (count, symbols, isWordPast, byClause) = (0, 0, false, false);
        foreach (var unit in new FoldedUnits(text))
        {
            var folded = unit.Folded;
            if (folded is Folding.Dropped) continue;
            if (folded is Folding.Unknown) return -1;
            if (!Folding.IsWord(folded))
            {
                symbols++;
                isWordPast |= folded is Folding.Space or Folding.Clause or Folding.Stop;
                byClause |= folded is Folding.Clause or Folding.Stop;
                if (symbols > SymbolsMax && count > 0) return -1;
                continue;
            }
            if (count > 0 && folded == positions[count - 1].Folded && positions[count - 1].Run < RunMax && !char.IsAsciiDigit(folded) && !(isWordPast && Folding.IsLatin(folded)))
                positions[count - 1] = positions[count - 1] with { Run = (byte)(positions[count - 1].Run + 1) };
            else if (count < positions.Length)
                positions[count++] = new EntryForm(folded, 1, symbols > 0 && count > 0, byClause && count > 0);
            else
                return -1;
            (symbols, isWordPast, byClause) = (0, false, false);
        }
        return count;
    }
}
