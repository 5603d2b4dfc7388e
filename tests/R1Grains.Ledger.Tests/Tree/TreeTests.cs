using CsCheck;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Tree;

public class TreeTests
{
    /// <summary>The leaves, roots and proofs that certificate transparency's own tests publish for RFC 6962.</summary>
    private static readonly byte[][] PublishedLeaves = [.. ((string[])["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]).Select(Convert.FromHexString)];

    private static readonly string[] PublishedRoots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    public static TheoryData<int, int, string[]> PublishedPaths => new()
    {
        { 0, 1, [] },
        { 0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"] },
        { 5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"] },
        { 2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"] },
        { 1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"] },
    };

    public static TheoryData<int, int, string[]> PublishedConsistency => new()
    {
        { 1, 1, [] },
        { 1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"] },
        { 6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"] },
        { 2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"] },
        { 6, 7, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"] },
    };

    [Fact]
    public void Published_leaves_give_the_published_roots()
    {
        var frontier = new Frontier();
        Assert.Equal(PublishedRoots[0], frontier.Root.ToString());
        for (var size = 1; size <= PublishedLeaves.Length; size++)
        {
            frontier.Append(TreeHash.Leaf(PublishedLeaves[size - 1]));
            Assert.Equal(PublishedRoots[size], frontier.Root.ToString());
        }
    }

    [Theory]
    [MemberData(nameof(PublishedPaths))]
    public void Published_inclusion_proofs_are_made_and_hold(int index, int size, string[] proof)
    {
        var tree = Built.Of([.. PublishedLeaves.Select(leaf => TreeHash.Leaf(leaf))]);
        Assert.Equal(proof, tree.Prove(TreeProof.Inclusion(index, size)).Select(hash => hash.ToString()));
        Assert.True(TreeProof.Includes(Digest.Parse(PublishedRoots[size]), size, index, TreeHash.Leaf(PublishedLeaves[index]), [.. proof.Select(Digest.Parse)]));
    }

    [Theory]
    [MemberData(nameof(PublishedConsistency))]
    public void Published_consistency_proofs_are_made_and_hold(int first, int second, string[] proof)
    {
        var tree = Built.Of([.. PublishedLeaves.Select(leaf => TreeHash.Leaf(leaf))]);
        Assert.Equal(proof, tree.Prove(TreeProof.Consistency(first, second)).Select(hash => hash.ToString()));
        Assert.True(TreeProof.IsConsistent(first, Digest.Parse(PublishedRoots[first]), second, Digest.Parse(PublishedRoots[second]), [.. proof.Select(Digest.Parse)]));
    }

    [Fact]
    public void Every_proof_of_every_small_tree_is_the_one_of_the_definition()
    {
        var leaves = Leaves(40);
        var tree = Built.Of(leaves);
        var bytes = leaves.Select(leaf => leaf.ToArray()).ToArray();
        for (var size = 1; size <= leaves.Length; size++)
        {
            var root = tree.Roots[size];
            Assert.Equal(NaiveTree.Root(bytes[..size]), root.ToArray());
            for (var index = 0; index < size; index++)
            {
                var proof = tree.Prove(TreeProof.Inclusion(index, size));
                Assert.Equal(NaiveTree.Path(index, bytes[..size]).Select(hash => new Digest(hash)), proof);
                Assert.True(TreeProof.Includes(root, size, index, leaves[index], proof));
            }
            for (var first = 0; first <= size; first++)
            {
                var proof = tree.Prove(TreeProof.Consistency(first, size));
                Assert.Equal(NaiveTree.Proof(first, bytes[..size]).Select(hash => new Digest(hash)), proof);
                Assert.True(TreeProof.IsConsistent(first, tree.Roots[first], size, root, proof));
            }
        }
    }

    [Fact]
    public void Large_trees_are_proved_from_the_tiles_above_two_leaves()
    {
        var leaves = Leaves(70_000);
        var tree = Built.Of(leaves);
        var bytes = leaves.Select(leaf => leaf.ToArray()).ToArray();
        Gen.Select(Gen.Int[1, leaves.Length], Gen.Int[0, int.MaxValue]).Sample((size, pick) =>
        {
            var index = pick % size;
            Assert.True(TreeProof.Includes(tree.Roots[size], size, index, leaves[index], tree.Prove(TreeProof.Inclusion(index, size), TreeProof.Tiles(index, size))));
            Assert.True(TreeProof.IsConsistent(index + 1, tree.Roots[index + 1], size, tree.Roots[size], tree.Prove(TreeProof.Consistency(index + 1, size), TreeProof.Tiles(index, size))));
        }, iter: 400);
        Assert.Equal(NaiveTree.Root(bytes), tree.Roots[^1].ToArray());
        Assert.Equal(3, TreeProof.Tiles(0, leaves.Length).Select(tile => tile.Level).Distinct().Count());
    }

    [Fact]
    public void A_changed_proof_place_leaf_or_root_proves_nothing()
    {
        var leaves = Leaves(300);
        var tree = Built.Of(leaves);
        Gen.Select(Gen.Int[2, leaves.Length], Gen.Int[0, int.MaxValue], Gen.Int[0, 6]).Sample((size, pick, change) =>
        {
            var (index, root) = (pick % size, tree.Roots[size]);
            var proof = tree.Prove(TreeProof.Inclusion(index, size));
            var at = pick % proof.Count;
            Assert.False(change switch
            {
                0 => TreeProof.Includes(root, size, index, leaves[index], [.. proof.Select((hash, i) => i == at ? Other(hash) : hash)]),
                1 => TreeProof.Includes(root, size, index, leaves[index], [.. proof.Where((_, i) => i != at)]),
                2 => TreeProof.Includes(root, size, index, leaves[index], [.. proof, proof[at]]),
                3 => TreeProof.Includes(root, size, (index + 1) % size, leaves[index], proof),
                4 => TreeProof.Includes(root, size, index, Other(leaves[index]), proof),
                5 => TreeProof.Includes(Other(root), size, index, leaves[index], proof),
                _ => TreeProof.Includes(root, index, index, leaves[index], proof),
            });
            var first = 1 + pick % (size - 1);
            var consistency = tree.Prove(TreeProof.Consistency(first, size));
            at = pick % consistency.Count;
            Assert.False(change switch
            {
                0 => TreeProof.IsConsistent(first, tree.Roots[first], size, root, [.. consistency.Select((hash, i) => i == at ? Other(hash) : hash)]),
                1 => TreeProof.IsConsistent(first, tree.Roots[first], size, root, [.. consistency.Where((_, i) => i != at)]),
                2 => TreeProof.IsConsistent(first, tree.Roots[first], size, root, [.. consistency, root]),
                3 => TreeProof.IsConsistent(first - 1, tree.Roots[first], size, root, consistency),
                4 => TreeProof.IsConsistent(first, Other(tree.Roots[first]), size, root, consistency),
                5 => TreeProof.IsConsistent(first, tree.Roots[first], size, Other(root), consistency),
                _ => TreeProof.IsConsistent(size, root, first, tree.Roots[first], consistency),
            });
        }, iter: 3_000);
    }

    [Fact]
    public void An_edge_goes_on_where_it_was_written_down()
    {
        var leaves = Leaves(1_000);
        Gen.Int[0, leaves.Length].Sample(cut =>
        {
            var (whole, begun) = (new Frontier(), new Frontier());
            Array.ForEach(leaves, leaf => whole.Append(leaf));
            Array.ForEach(leaves[..cut], leaf => begun.Append(leaf));
            var resumed = Frontier.Of(begun.Size, begun.ToArray());
            Array.ForEach(leaves[cut..], leaf => resumed.Append(leaf));
            Assert.Equal((whole.Size, whole.Root), (resumed.Size, resumed.Root));
            Assert.Equal(cut, begun.Size);
        }, iter: 50);
        Assert.Throws<InvalidDataException>(() => Frontier.Of(3, new byte[32]));
        Assert.Throws<InvalidDataException>(() => Frontier.Of(-1, new byte[64]));
    }

    private static Digest[] Leaves(int count) => [.. Enumerable.Range(0, count).Select(number => TreeHash.Leaf(BitConverter.GetBytes(number)))];

    private static Digest Other(Digest hash) => Digest.Of(hash.ToArray());

    /// <summary>A tree with all of its tiles, each grown over several appends, and its root at each size.</summary>
    private sealed record Built(Dictionary<Tile, byte[]> Tiles, Digest[] Roots)
    {
        public static Built Of(Digest[] leaves)
        {
            var (frontier, tiles, roots) = (new Frontier(), new Dictionary<Tile, byte[]>(), new List<Digest> { TreeHash.Empty });
            foreach (var chunk in leaves.Chunk(100))
            {
                var added = new TileAdditions();
                foreach (var leaf in chunk)
                {
                    frontier.Append(leaf, added);
                    roots.Add(frontier.Root);
                }
                foreach (var (tile, first, hashes) in added.Tiles)
                {
                    var before = tiles.GetValueOrDefault(tile, []);
                    Assert.Equal(Digest.Length * first, before.Length);
                    tiles[tile] = [.. before, .. hashes];
                }
            }
            Assert.All(tiles.Values, hashes => Assert.InRange(hashes.Length, Digest.Length, Digest.Length * Tile.Width));
            return new Built(tiles, [.. roots]);
        }

        public List<Digest> Prove(IEnumerable<LeafRange> ranges, IEnumerable<Tile>? from = null)
        {
            var set = new TileSet();
            foreach (var tile in from ?? Tiles.Keys)
            {
                if (Tiles.TryGetValue(tile, out var hashes))
                    set.Add(tile, hashes);
            }
            return [.. ranges.Select(set.Hash)];
        }
    }
}
