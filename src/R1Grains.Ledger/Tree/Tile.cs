namespace R1Grains.Ledger.Tree;

/// <summary>
/// Up to 256 neighbouring hashes of one level. Level 0 holds the leaves; each further level the roots of the full tiles of the
/// one below. A tile grows at its end until it is full, and never changes otherwise; only the last of a level is not full.
/// </summary>
/// <param name="Number">From 0, within its level.</param>
public readonly record struct Tile(int Level, long Number)
{
    /// <summary>Levels of the tree that a tile spans.</summary>
    public const int Height = 8;

    public const int Width = 1 << Height;

    /// <summary>Which tiles lie beneath an edge: those on the way of a leaf to the root, as far up as there are hashes.</summary>
    /// <param name="size">Of the tree.</param>
    public static IEnumerable<Tile> Above(long leaf, long size)
    {
        for (var level = 0; size >> (Height * level) != 0; level++)
            yield return new Tile(level, leaf >> (Height * (level + 1)));
    }
}

/// <summary>What appends add to the tiles of a tree.</summary>
public sealed class TileAdditions
{
    private readonly Dictionary<Tile, (int First, List<Digest> Hashes)> _tiles = [];

    /// <summary>Each with the place within the tile where its new hashes begin.</summary>
    public IEnumerable<(Tile Tile, int First, byte[] Hashes)> Tiles => _tiles.Select(added => (added.Key, added.Value.First, Bytes(added.Value.Hashes)));

    /// <param name="index">Within the level; follows on the last one of it.</param>
    internal void Add(int level, long index, Digest hash)
    {
        var tile = new Tile(level, index / Tile.Width);
        if (!_tiles.TryGetValue(tile, out var added))
            _tiles[tile] = added = ((int)(index % Tile.Width), []);
        added.Hashes.Add(hash);
    }

    private static byte[] Bytes(List<Digest> hashes)
    {
        var bytes = new byte[Digest.Length * hashes.Count];
        for (var i = 0; i < hashes.Count; i++)
            hashes[i].CopyTo(bytes.AsSpan(Digest.Length * i));
        return bytes;
    }
}
