using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Exports;

/// <summary>An entry of an export in its tenant's tree.</summary>
/// <param name="Line">Of the file that it comes from; 0 where it comes from none.</param>
internal readonly record struct ExportedLeaf(long Number, Digest Hash, string Conversation, long Index, long Line = 0);

/// <summary>
/// One proof for many leaves of a tree: beside them the roots of the largest subtrees that hold none of them, each once, from
/// left to right. From both the tree's root follows.
/// </summary>
internal static class SharedProof
{
    /// <summary>What the proof consists of: leaves by their place in <paramref name="numbers"/>, or else the subtree over a range.</summary>
    /// <param name="numbers">Ascending.</param>
    /// <param name="size">Of the tree, which has them all.</param>
    public static IEnumerable<(int? Leaf, LeafRange Range)> Parts(IReadOnlyList<long> numbers, long size)
    {
        var next = 0;
        var open = new Stack<LeafRange>();
        if (size > 0)
            open.Push(new(0, size));
        while (open.TryPop(out var range))
        {
            if (next == numbers.Count || numbers[next] >= range.End)
            {
                yield return (null, range);
            }
            else if (range.Count == 1)
            {
                yield return (next++, range);
            }
            else
            {
                var (left, right) = range.Split();
                open.Push(right);
                open.Push(left);
            }
        }
    }

    /// <summary>The root that follows.</summary>
    /// <param name="leaves">Ascending, each once, all within the tree.</param>
    /// <param name="nodes">The subtrees' roots.</param>
    /// <exception cref="InvalidDataException">There are fewer or more subtrees than the leaves leave.</exception>
    public static Digest Root(ReadOnlySpan<ExportedLeaf> leaves, ReadOnlySpan<Digest> nodes, long size)
    {
        if (size == 0)
            return TreeHash.Empty;
        var (leaf, node) = (0, 0);
        var root = Root(new(0, size), leaves, nodes, ref leaf, ref node);
        return node == nodes.Length ? root : throw new InvalidDataException($"it has {nodes.Length - node} nodes too many");
    }

    private static Digest Root(LeafRange range, ReadOnlySpan<ExportedLeaf> leaves, ReadOnlySpan<Digest> nodes, ref int leaf, ref int node)
    {
        if (leaf == leaves.Length || leaves[leaf].Number >= range.End)
            return node < nodes.Length ? nodes[node++] : throw new InvalidDataException("it has too few nodes");
        if (range.Count == 1)
            return leaves[leaf++].Hash;
        var (left, right) = range.Split();
        var before = Root(left, leaves, nodes, ref leaf, ref node);
        return TreeHash.Node(before, Root(right, leaves, nodes, ref leaf, ref node));
    }
}
