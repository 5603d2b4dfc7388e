namespace R1Grains.Ledger.Tree;

/// <summary>Proofs of RFC 6962, section 2.1: which hashes they are, and whether they prove what they are for (RFC 9162, section 2.1).</summary>
public static class TreeProof
{
    /// <summary>Hashes of a proof in a tree of any size.</summary>
    public const int LengthMax = 63;

    /// <summary>The leaves over which the hashes of an inclusion proof go, in their order.</summary>
    public static IEnumerable<LeafRange> Inclusion(long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var siblings = new Stack<LeafRange>();
        for (var range = new LeafRange(0, size); range.Count > 1;)
        {
            var (left, right) = range.Split();
            (range, var sibling) = index < left.End ? (left, right) : (right, left);
            siblings.Push(sibling);
        }
        return siblings;
    }

    /// <summary>The leaves over which the hashes of a consistency proof go, in their order. Nothing is to be proved of an empty tree, or of a tree and itself.</summary>
    public static IEnumerable<LeafRange> Consistency(long first, long second)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, second);
        var nodes = new Stack<LeafRange>();
        if (first == 0 || first == second)
            return nodes;
        // Whether the range that is left is a whole one of the first tree, whose hash who checks has.
        var known = true;
        var range = new LeafRange(0, second);
        while (range.End != first)
        {
            var (left, right) = range.Split();
            (range, var other) = first <= left.End ? (left, right) : (right, left);
            known &= range == left;
            nodes.Push(other);
        }
        if (!known)
            nodes.Push(range);
        return nodes;
    }

    /// <summary>Tiles that hold what a proof between two sizes, or of a leaf in a tree, needs.</summary>
    /// <param name="leaf">Of the inclusion proof; of a consistency proof, the first tree's last.</param>
    public static IEnumerable<Tile> Tiles(long leaf, long size) => Tile.Above(leaf, size).Concat(Tile.Above(size - 1, size)).Distinct();

    /// <summary>Whether the leaf has this place in the tree with this root.</summary>
    public static bool Includes(Digest root, long size, long index, Digest leaf, IReadOnlyList<Digest> proof)
    {
        if (index < 0 || index >= size)
            return false;
        var (node, last, hash) = (index, size - 1, leaf);
        foreach (var sibling in proof)
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                hash = TreeHash.Node(sibling, hash);
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                hash = TreeHash.Node(hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && hash == root;
    }

    /// <summary>Whether the second tree begins with the leaves of the first.</summary>
    public static bool IsConsistent(long first, Digest firstRoot, long second, Digest secondRoot, IReadOnlyList<Digest> proof)
    {
        if (first < 0 || first > second)
            return false;
        if (first == second)
            return proof.Count == 0 && firstRoot == secondRoot;
        if (first == 0)
            return proof.Count == 0 && firstRoot == TreeHash.Empty;
        var (node, last) = (first - 1, second - 1);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);
        // A first tree that is one perfect subtree stands for itself.
        var rest = proof.AsEnumerable();
        if (node != 0)
        {
            if (proof.Count == 0)
                return false;
            rest = proof.Skip(1);
        }
        var (before, after) = node == 0 ? (firstRoot, firstRoot) : (proof[0], proof[0]);
        foreach (var hash in rest)
        {
            if (last == 0)
                return false;
            if ((node & 1) == 1 || node == last)
            {
                (before, after) = (TreeHash.Node(hash, before), TreeHash.Node(hash, after));
                while ((node & 1) == 0 && node != 0)
                    (node, last) = (node >> 1, last >> 1);
            }
            else
            {
                after = TreeHash.Node(after, hash);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && before == firstRoot && after == secondRoot;
    }
}
