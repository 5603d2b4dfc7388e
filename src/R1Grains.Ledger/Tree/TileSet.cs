using System.Numerics;

namespace R1Grains.Ledger.Tree;

/// <summary>Tiles of one tree, and the hashes that follow from them.</summary>
public sealed class TileSet
{
    private readonly Dictionary<Tile, byte[]> _tiles = [];

    /// <summary>The tiles from which <see cref="Hash"/> follows.</summary>
    public static IEnumerable<Tile> Needed(LeafRange range)
    {
        if (BitOperations.IsPow2(range.Count) && range.Start % range.Count == 0)
        {
            var height = BitOperations.Log2((ulong)range.Count);
            var level = height / Tile.Height;
            return [new(level, range.Start >> (Tile.Height * level) >> Tile.Height)];
        }
        var (left, right) = range.Split();
        return Needed(left).Concat(Needed(right));
    }

    /// <param name="hashes">From the tile's beginning, 32 bytes each; maybe more than are asked for.</param>
    public void Add(Tile tile, byte[] hashes) => _tiles[tile] = hashes;

    /// <summary>The root of the leaves from <paramref name="range"/>'s start to before its end.</summary>
    /// <exception cref="InvalidDataException">A tile lacks them.</exception>
    public Digest Hash(LeafRange range)
    {
        if (BitOperations.IsPow2(range.Count))
        {
            var height = BitOperations.Log2((ulong)range.Count);
            if (range.Start % range.Count == 0)
                return Subtree(height, range.Start >> height);
        }
        var (left, right) = range.Split();
        return TreeHash.Node(Hash(left), Hash(right));
    }

    /// <summary>The root of a perfect subtree: folded from those hashes of a tile that are its own.</summary>
    private Digest Subtree(int height, long index)
    {
        var (level, rest) = (height / Tile.Height, height % Tile.Height);
        var (first, count) = (index << rest, 1 << rest);
        var tile = new Tile(level, first / Tile.Width);
        var offset = (int)(first % Tile.Width);
        if (!_tiles.TryGetValue(tile, out var hashes) || hashes.Length < Digest.Length * (offset + count))
            throw new InvalidDataException($"tile {tile.Number} of level {level} lacks hash {offset + count - 1}");
        var folded = new Digest[count];
        for (var i = 0; i < count; i++)
            folded[i] = new Digest(hashes.AsSpan(Digest.Length * (offset + i), Digest.Length));
        for (; count > 1; count /= 2)
        {
            for (var i = 0; i < count / 2; i++)
                folded[i] = TreeHash.Node(folded[2 * i], folded[2 * i + 1]);
        }
        return folded[0];
    }
}

/// <summary>Neighbouring leaves; never none.</summary>
/// <param name="End">After the last.</param>
public readonly record struct LeafRange(long Start, long End)
{
    public long Count => End - Start;

    /// <summary>Where RFC 6962 cuts it: the left part is the largest power of two that is smaller than the whole.</summary>
    public (LeafRange Left, LeafRange Right) Split()
    {
        var middle = Start + (long)(BitOperations.RoundUpToPowerOf2((ulong)Count) / 2);
        return (new(Start, middle), new(middle, End));
    }
}
