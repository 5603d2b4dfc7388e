namespace R1Grains.Compliance;

/// <summary>Syllables without tones, and the characters that are read so.</summary>
internal static class PinyinTable
{
    /// <summary>The highest code of a syllable; the lowest is 1.</summary>
    public static readonly int Count;

    /// <summary>Letters make a tree: for each node 26 nodes, 0 for none. The root is 0.</summary>
    private static readonly List<ushort[]> Letters = [new ushort[26]];

    /// <summary>By node: the code of the syllable that ends there.</summary>
    private static readonly List<ushort> Ends = [0];

    /// <summary>By character; 0 for none. A few are read in two ways.</summary>
    private static readonly ushort[] First = new ushort[char.MaxValue + 1], Second = new ushort[char.MaxValue + 1];

    static PinyinTable()
    {
        foreach (var line in EmbeddedTable.Lines("pinyin.txt"))
        {
            Count++;
            var node = 0;
            foreach (var letter in line[..line.IndexOf('\t')])
            {
                if (Letters[node][letter - 'a'] == 0)
                {
                    Letters[node][letter - 'a'] = (ushort)Letters.Count;
                    Letters.Add(new ushort[26]);
                    Ends.Add(0);
                }
                node = Letters[node][letter - 'a'];
            }
            Ends[node] = (ushort)Count;
            foreach (var character in line[(line.IndexOf('\t') + 1)..])
                (First[character] == 0 ? First : Second)[character] = (ushort)Count;
        }
    }

    /// <summary>The readings of a character as codes, 0 for none.</summary>
    public static (ushort First, ushort Second) Of(char character) => (First[character], Second[character]);

    /// <summary>Whether a word of small letters is syllables and nothing else; a longer one than 63 is nobody's pinyin.</summary>
    public static bool IsSyllables(ReadOnlySpan<char> word)
    {
        if (word.Length > 63) return false;
        // A bit for each place that syllables reach.
        var reached = 1UL;
        for (var at = 0; at < word.Length; at++)
        {
            if ((reached & (1UL << at)) == 0) continue;
            for (int end = at, node = 0; end < word.Length && (node = Next(node, word[end])) != 0; end++)
                if (SyllableAt(node) > 0)
                    reached |= 1UL << (end + 1);
        }
        return (reached & (1UL << word.Length)) != 0;
    }

    /// <summary>The node below, or 0.</summary>
    public static int Next(int node, char letter) => Letters[node][letter - 'a'];

    /// <summary>The code of the syllable that ends at this node, or 0.</summary>
    public static int SyllableAt(int node) => Ends[node];
}
