using System.Numerics;

namespace R1Grains.Ledger.Tree;

/// <summary>
/// The right edge of a tree: all that is needed to append to it and to know its root. It holds the root of one perfect
/// subtree for each bit of the size, so that a tree of a billion leaves has an edge of thirty hashes.
/// </summary>
public sealed class Frontier
{
    /// <summary>By height; set where the size has that bit.</summary>
    private readonly Digest[] _subtrees = new Digest[63];

    public long Size { get; private set; }

    public Digest Root
    {
        get
        {
            if (Size == 0)
                return TreeHash.Empty;
            var height = BitOperations.TrailingZeroCount(Size);
            var root = _subtrees[height];
            for (height++; Size >> height != 0; height++)
            {
                if (Has(height))
                    root = TreeHash.Node(_subtrees[height], root);
            }
            return root;
        }
    }

    /// <param name="tiles">Gets the hashes that tiles keep of it.</param>
    public void Append(Digest leaf, TileAdditions? tiles = null)
    {
        tiles?.Add(0, Size, leaf);
        var (node, height) = (leaf, 0);
        for (; Has(height); height++)
        {
            node = TreeHash.Node(_subtrees[height], node);
            if ((height + 1) % Tile.Height == 0)
                tiles?.Add((height + 1) / Tile.Height, Size >> (height + 1), node);
        }
        _subtrees[height] = node;
        Size++;
    }

    public Frontier Copy()
    {
        var copy = new Frontier { Size = Size };
        _subtrees.CopyTo(copy._subtrees, 0);
        return copy;
    }

    /// <summary>The subtrees' roots, 32 bytes each, the smallest subtree first.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Digest.Length * BitOperations.PopCount((ulong)Size)];
        var rest = bytes.AsSpan();
        for (var height = 0; Size >> height != 0; height++)
        {
            if (!Has(height))
                continue;
            _subtrees[height].CopyTo(rest);
            rest = rest[Digest.Length..];
        }
        return bytes;
    }

    /// <param name="edge">From <see cref="ToArray"/>.</param>
    /// <exception cref="InvalidDataException">Not as many hashes as the size has bits.</exception>
    public static Frontier Of(long size, ReadOnlySpan<byte> edge)
    {
        if (size < 0 || edge.Length != Digest.Length * BitOperations.PopCount((ulong)size))
            throw new InvalidDataException($"the edge of a tree of {size} leaves has {edge.Length} bytes");
        var frontier = new Frontier { Size = size };
        for (var height = 0; size >> height != 0; height++)
        {
            if (!frontier.Has(height))
                continue;
            frontier._subtrees[height] = new Digest(edge[..Digest.Length]);
            edge = edge[Digest.Length..];
        }
        return frontier;
    }

    private bool Has(int height) => (Size >> height & 1) != 0;
}
