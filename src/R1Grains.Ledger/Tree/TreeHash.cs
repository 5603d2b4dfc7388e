namespace R1Grains.Ledger.Tree;

/// <summary>The hashes of RFC 6962, section 2.1.</summary>
public static class TreeHash
{
    private const byte LeafPrefix = 0x00;
    private const byte NodePrefix = 0x01;

    /// <summary>Of a tree without leaves.</summary>
    public static Digest Empty { get; } = Digest.Of([]);

    public static Digest Leaf(ReadOnlySpan<byte> data) => Digest.Of([LeafPrefix, .. data]);

    public static Digest Node(Digest left, Digest right)
    {
        Span<byte> data = stackalloc byte[1 + 2 * Digest.Length];
        data[0] = NodePrefix;
        left.CopyTo(data[1..]);
        right.CopyTo(data[(1 + Digest.Length)..]);
        return Digest.Of(data);
    }
}
