using System.Numerics;
using System.Runtime.CompilerServices;

namespace R1Grains.Compliance;

/// <summary>
/// Aho-Corasick over codes 1 to 32,767 as a double array. A state is one 64-bit word, so a step reads one cache line:
/// <code>fail 21 | base 21 | depth 6 | ends 1 | check 15</code>
/// A child stands at base + code and has that code as its check; no two states share a base, so check need not name the
/// parent. Base 0 is nobody's: states without children have it.
/// </summary>
internal sealed class Automaton
{
    public const int DepthMax = 63;
    public const int CodeMax = (1 << 15) - 1;
    private const int SlotsMax = 1 << 21;

    private const ulong EndsBit = 1UL << 15;
    private const int DepthShift = 16, BaseShift = 22, FailShift = 43;

    /// <summary>The root is at 0; the rest is long enough for every base and every code.</summary>
    public readonly ulong[] Nodes;

    /// <summary>A bit for each slot where a word ends, and before each 64 of them how many there are.</summary>
    private readonly ulong[] _ends;
    private readonly int[] _rank;

    private Automaton(ulong[] nodes, int states, int[] ends)
    {
        (Nodes, States) = (nodes, states);
        _ends = new ulong[nodes.Length / 64 + 1];
        _rank = new int[_ends.Length];
        foreach (var slot in ends) _ends[slot / 64] |= 1UL << (slot % 64);
        for (var i = 1; i < _rank.Length; i++) _rank[i] = _rank[i - 1] + BitOperations.PopCount(_ends[i - 1]);
    }

    /// <summary>Of the slots, those that are taken.</summary>
    public int States { get; }

    /// <summary>Of its arrays, in bytes.</summary>
    public long Size => Nodes.LongLength * sizeof(ulong) + _ends.LongLength * (sizeof(ulong) + sizeof(int));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Depth(ulong node) => (int)(node >> DepthShift) & DepthMax;

    /// <summary>Whether a word ends here: this state's, or that of a suffix of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Ends(ulong node) => (node & EndsBit) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Base(ulong node) => (int)(node >> BaseShift) & (SlotsMax - 1);

    /// <summary>The slot of the longest proper suffix that is a state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Fail(ulong node) => (int)(node >> FailShift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Check(ulong node) => (int)node & CodeMax;

    /// <summary>The slot of the child, or -1.</summary>
    public int Child(int slot, int code) => Base(Nodes[slot]) + code is var child && Check(Nodes[child]) == code ? child : -1;

    /// <summary>The place among all words, by slot, of the word that ends at this very state; -1 when none does.</summary>
    public int Ordinal(int slot)
    {
        var (word, bit) = (_ends[slot / 64], 1UL << (slot % 64));
        return (word & bit) == 0 ? -1 : _rank[slot / 64] + BitOperations.PopCount(word & (bit - 1));
    }

    /// <summary>From the words in ordinal order, each once, as strings of codes; <paramref name="codes"/> is the highest code.</summary>
    /// <returns>The automaton, and for each word its ordinal.</returns>
    /// <exception cref="LexiconException">More states than slots.</exception>
    public static (Automaton Automaton, int[] Ordinals) Build(string[] words, int codes)
    {
        var trie = Trie.Of(words);
        var bases = DoubleArray.Place(trie, codes, SlotsMax);
        var slots = new int[trie.Count];
        for (var node = 1; node < trie.Count; node++) slots[node] = bases[trie.Parent[node]] + trie.Code[node];

        var nodes = new ulong[bases.Max() + codes + 1];
        // Breadth first: whatever a state falls back to is shallower, and already there.
        for (var node = 0; node < trie.Count; node++)
        {
            var fail = trie.Depth[node] > 1 ? Fallback(nodes, Fail(nodes[slots[trie.Parent[node]]]), trie.Code[node]) : 0;
            var ends = trie.Word[node] >= 0 || (node > 0 && Ends(nodes[fail]));
            nodes[slots[node]] = ((ulong)(uint)fail << FailShift) | ((ulong)(uint)bases[node] << BaseShift) | ((ulong)trie.Depth[node] << DepthShift) | (ends ? EndsBit : 0) | trie.Code[node];
        }

        var last = new int[words.Length];
        for (var node = 0; node < trie.Count; node++)
            if (trie.Word[node] >= 0)
                last[trie.Word[node]] = slots[node];
        var automaton = new Automaton(nodes, trie.Count, last);
        return (automaton, Array.ConvertAll(last, automaton.Ordinal));
    }

    private static int Fallback(ulong[] nodes, int slot, int code)
    {
        while (true)
        {
            var child = Base(nodes[slot]) + code;
            if (Check(nodes[child]) == code) return child;
            if (slot == 0) return 0;
            slot = Fail(nodes[slot]);
        }
    }
}
