namespace R1Grains.Compliance;

/// <summary>Looks at a text sentence by sentence, for what shows only in a whole: pinyin and leet.</summary>
internal sealed class Sentences
{
    /// <summary>What has no end is looked at every so many units.</summary>
    private const int UnitsMax = 512;

    /// <summary>Of a sentence that was cut: looked at once more with what follows.</summary>
    private const int Overlap = 128;

    private readonly List<Finding> _findings = [];

    /// <summary>What ends here or before has been found.</summary>
    private int _looked;

    /// <summary>Where the sentence begins, in units of the text.</summary>
    public int Start { get; private set; }

    /// <summary>How many units may be read until the next look.</summary>
    public int Room(int at) => Start + UnitsMax - at;

    /// <param name="sentence">From <see cref="Start"/> to <paramref name="end"/>.</param>
    public void Look(Scan scan, ReadOnlySpan<char> sentence, int end)
    {
        if (PinyinReading.MayHold(sentence)) scan.Lexicon.Pinyin.Find(sentence, _findings);
        Add(scan, Disguise.Pinyin);
        if (LeetReading.MayHold(sentence)) scan.Lexicon.Leet.Find(sentence, _findings);
        Add(scan, Disguise.Leet);
        (_looked, Start) = (end, scan.EndsSentence ? end : Math.Max(Start, end - Overlap));
    }

    private void Add(Scan scan, Disguise disguise)
    {
        if (_findings.Count == 0) return;
        var known = scan.Hits.Count;
        foreach (var (start, end, entry) in _findings)
            if (Start + end > _looked && scan.Concerned[scan.Lexicon.RuleIndex(entry)])
                scan.Hits.Add(new Hit(Start + start, Start + end, scan.Lexicon.Entry(entry), disguise, scan.SafeBefore));
        _findings.Clear();
        if (scan.Hits.Count - known > 1) scan.Hits.Sort(known, scan.Hits.Count - known, HitOrder.ByPlace);
    }
}
