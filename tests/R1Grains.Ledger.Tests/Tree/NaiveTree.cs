using System.Security.Cryptography;

namespace R1Grains.Ledger.Tests.Tree;

/// <summary>RFC 6962, section 2.1, word for word, over all leaves: what the frontier and the tiles are compared with.</summary>
internal static class NaiveTree
{
    public static byte[] Root(byte[][] leaves) => leaves switch
    {
        [] => SHA256.HashData([]),
        [var leaf] => leaf,
        _ => SHA256.HashData([1, .. Root(leaves[..Cut(leaves)]), .. Root(leaves[Cut(leaves)..])]),
    };

    public static List<byte[]> Path(int index, byte[][] leaves)
    {
        if (leaves.Length == 1)
            return [];
        var cut = Cut(leaves);
        return index < cut
            ? [.. Path(index, leaves[..cut]), Root(leaves[cut..])]
            : [.. Path(index - cut, leaves[cut..]), Root(leaves[..cut])];
    }

    public static List<byte[]> Proof(int first, byte[][] leaves) => first == 0 ? [] : Proof(first, leaves, true);

    private static List<byte[]> Proof(int first, byte[][] leaves, bool whole)
    {
        if (first == leaves.Length)
            return whole ? [] : [Root(leaves)];
        var cut = Cut(leaves);
        return first <= cut
            ? [.. Proof(first, leaves[..cut], whole), Root(leaves[cut..])]
            : [.. Proof(first - cut, leaves[cut..], false), Root(leaves[..cut])];
    }

    private static int Cut(byte[][] leaves)
    {
        var cut = 1;
        while (2 * cut < leaves.Length)
            cut *= 2;
        return cut;
    }
}
