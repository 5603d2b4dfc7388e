using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>What an export needs beside the rows of a conversation.</summary>
internal static class ExportReads
{
    /// <summary>Where a conversation's entries stand in the tree and with which hash, also of those that are no longer kept.</summary>
    public static async Task<IReadOnlyDictionary<long, (long Leaf, Digest Hash)>> Places(this RecordReads reads, long conversation) => (await reads.Query(
        Verification.IEvidence.PlacesQuery, row => (Index: row.GetInt64(0), Leaf: row.GetInt64(1), Hash: row.Digest(2)), conversation)).ToDictionary(place => place.Index, place => (place.Leaf, place.Hash));

    /// <summary>Those that there are.</summary>
    public static async Task<IReadOnlyList<(Tile Tile, byte[] Hashes)>> Tiles(this RecordReads reads, string tenant, IEnumerable<Tile> wanted)
    {
        var tiles = new List<(Tile, byte[])>();
        foreach (var tile in wanted)
        {
            foreach (var hashes in await reads.Query(
                "SELECT x.hashes FROM tree t JOIN tile x ON x.tree = t.id WHERE t.tenant = $1 AND x.level = $2 AND x.number = $3", row => row.Bytes(0), tenant, tile.Level, tile.Number))
                tiles.Add((tile, hashes));
        }
        return tiles;
    }
}
