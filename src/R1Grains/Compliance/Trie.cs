namespace R1Grains.Compliance;

/// <summary>The prefixes of a list of words, breadth first: the children of a node stand side by side, in order of their codes.</summary>
internal sealed class Trie
{
    private Trie(int capacity)
    {
        Code = new ushort[capacity];
        Depth = new byte[capacity];
        Parent = new int[capacity];
        Word = new int[capacity];
        FirstChild = new int[capacity];
        Children = new int[capacity];
    }

    public int Count { get; private set; }
    public ushort[] Code { get; }
    public byte[] Depth { get; }
    public int[] Parent { get; }

    /// <summary>The index of the word that ends here, or -1.</summary>
    public int[] Word { get; }
    public int[] FirstChild { get; }
    public int[] Children { get; }

    /// <param name="words">In ordinal order, each once, none empty.</param>
    public static Trie Of(string[] words)
    {
        var trie = new Trie(words.Sum(word => word.Length) + 1);
        // The words below a node, as a range.
        var from = new int[trie.Code.Length];
        var to = new int[trie.Code.Length];
        (trie.Count, to[0]) = (1, words.Length);
        for (var node = 0; node < trie.Count; node++)
        {
            int depth = trie.Depth[node], next = from[node];
            trie.Word[node] = next < to[node] && words[next].Length == depth ? next++ : -1;
            trie.FirstChild[node] = trie.Count;
            while (next < to[node])
            {
                var (child, code) = (trie.Count++, words[next][depth]);
                (trie.Code[child], trie.Depth[child], trie.Parent[child], from[child]) = (code, (byte)(depth + 1), node, next);
                while (next < to[node] && words[next][depth] == code) next++;
                to[child] = next;
                trie.Children[node]++;
            }
        }
        return trie;
    }
}
