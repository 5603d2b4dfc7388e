using System.Diagnostics;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;

namespace R1Grains.LoadTests.Ledger;

/// <summary>How fast a tree grows and its proofs are checked, on one thread, without a store.</summary>
internal static class TreeGrowth
{
    private const int Leaves = 2_000_000;
    private const int Proofs = 2_000;

    /// <summary>Appends leaves as a store does, tiles included; then makes and checks proofs in the tree, signature of the checkpoint included.</summary>
    public static (double LeavesPerSecond, double ProofMsP50, double ProofMsP99) Measure()
    {
        var leaves = new Digest[Leaves];
        for (var i = 0; i < leaves.Length; i++)
            leaves[i] = TreeHash.Leaf(BitConverter.GetBytes(i));

        var (frontier, tiles) = (new Frontier(), new Dictionary<Tile, List<byte>>());
        var clock = Stopwatch.StartNew();
        foreach (var batch in leaves.Chunk(1_000))
        {
            var added = new TileAdditions();
            foreach (var leaf in batch)
                frontier.Append(leaf, added);
            foreach (var (tile, _, hashes) in added.Tiles)
            {
                if (!tiles.TryGetValue(tile, out var known))
                    tiles[tile] = known = [];
                known.AddRange(hashes);
            }
        }
        var root = frontier.Root;
        var leavesPerSecond = Leaves / clock.Elapsed.TotalSeconds;

        using var signer = NoteSigner.Generate();
        using var key = NoteKey.FromPem(signer.PublicPem);
        var note = new LogIdentity("bench", signer).Sign(new Checkpoint("bench/demo", frontier.Size, root)).ToString();
        var random = new Random(7);
        var times = new double[Proofs];
        for (var i = 0; i < Proofs; i++)
        {
            var leaf = random.Next(Leaves);
            var set = new TileSet();
            foreach (var tile in TreeProof.Tiles(leaf, Leaves).Where(tiles.ContainsKey))
                set.Add(tile, [.. tiles[tile]]);
            Digest[] proof = [.. TreeProof.Inclusion(leaf, Leaves).Select(set.Hash)];
            var start = Stopwatch.GetTimestamp();
            var signed = SignedNote.Parse(note);
            var checkpoint = Checkpoint.Parse(signed.Text);
            if (!key.Signed(signed, "bench/demo") || !TreeProof.Includes(checkpoint.Root, checkpoint.Size, leaf, leaves[leaf], proof))
                throw new InvalidDataException($"the proof of leaf {leaf} does not hold");
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(times);
        return (leavesPerSecond, times[Proofs / 2], times[Proofs * 99 / 100]);
    }
}
