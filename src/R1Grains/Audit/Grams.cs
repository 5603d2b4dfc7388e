namespace R1Grains.Audit;

/// <summary>
/// By what a text is found: its words in Latin letters and digits, whole and by their first letters; of other scripts each
/// character and each two that stand together.
/// </summary>
internal static class Grams
{
    /// <summary>Letters of a word's beginning by which it can be found.</summary>
    public const int PrefixLength = 3;

    /// <summary>Of a long word in another script so many pairs are asked for: each one more leaves fewer texts to look at, and costs a read.</summary>
    private const int PairsMax = 6;

    private const string Word = "w", Prefix = "p", Other = "o";

    /// <param name="form">As <see cref="FoldedText"/> makes it.</param>
    public static IEnumerable<string> Of(string form)
    {
        foreach (var (start, end, isLatin) in Runs(form))
        {
            if (isLatin)
            {
                yield return Word + form[start..end];
                if (end - start >= PrefixLength)
                    yield return Prefix + form.Substring(start, PrefixLength);
                continue;
            }
            for (var at = start; at < end; at++)
            {
                yield return Other + form[at];
                if (at + 1 < end)
                    yield return Other + form.Substring(at, 2);
            }
        }
    }

    /// <summary>Those that every text has in which the word stands; the more telling ones first.</summary>
    /// <param name="isPrefix">Whether its last letters may be followed by others.</param>
    public static IEnumerable<string> Required(string word, bool isPrefix)
    {
        foreach (var (start, end, isLatin) in Runs(word).OrderByDescending(run => run.End - run.Start))
        {
            if (isLatin)
                yield return isPrefix && end == word.Length ? Prefix + word.Substring(start, PrefixLength) : Word + word[start..end];
            else if (end - start == 1)
                yield return Other + word[start];
            else
                foreach (var pair in Spread(start, end - 1))
                    yield return Other + word.Substring(pair, 2);
        }
    }

    /// <summary>Maximal runs of one kind, within words.</summary>
    private static IEnumerable<(int Start, int End, bool IsLatin)> Runs(string form)
    {
        for (var start = 0; start < form.Length;)
        {
            if (form[start] == ' ')
            {
                start++;
                continue;
            }
            var (isLatin, end) = (FoldedText.IsLatin(form[start]), start + 1);
            while (end < form.Length && form[end] != ' ' && FoldedText.IsLatin(form[end]) == isLatin)
                end++;
            yield return (start, end, isLatin);
            start = end;
        }
    }

    /// <summary>At most <see cref="PairsMax"/> of the numbers, the ends among them.</summary>
    private static IEnumerable<int> Spread(int from, int to)
    {
        var count = Math.Min(PairsMax, to - from);
        return count == to - from ? Enumerable.Range(from, count) : Enumerable.Range(0, count).Select(i => from + (int)((long)i * (to - from - 1) / (count - 1)));
    }
}
