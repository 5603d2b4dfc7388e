using System.Data.Common;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>Builds every tenant's tree again from the hashes of its leaves, and compares its tiles, its edge and its checkpoints.</summary>
/// <param name="keys">That sign checkpoints.</param>
/// <param name="retired">What may be missing.</param>
internal sealed class TreeWalk(IEvidence evidence, Func<SigningKeys> keys, Func<RetiredRows> retired)
{
    /// <summary>Of the levels above the leaves, which are compared when those are done.</summary>
    private readonly Dictionary<Tile, List<byte>> _upper = [];

    private string? _tenant;
    private long? _leaf;

    /// <summary>Of the tree checked last; 0 before the first.</summary>
    public int Number { get; private set; }

    public long Leaves { get; private set; }

    public long Checkpoints { get; private set; }

    public BadRecord Here(string reason) => new(_tenant, null, null, null, null, reason) { InTree = true, Leaf = _leaf };

    public void Leave() => (_tenant, _leaf) = (null, null);

    /// <summary>Checks the next tree, as it is at one moment. False when there is none.</summary>
    public bool CheckNext()
    {
        Leave();
        string origin;
        long size;
        byte[] edge;
        using (var tree = evidence.Tree(Number))
        {
            if (!tree.Read())
                return false;
            (Number, _tenant, origin, size, edge) = (tree.Int32(0), tree.GetString(1), tree.GetString(2), tree.GetInt64(3), tree.Bytes(4));
        }
        var checkpoints = ReadCheckpoints(origin);
        var frontier = new Frontier();
        _upper.Clear();
        using (var tiles = evidence.Tiles(Number))
        {
            var more = tiles.Read();
            using (var leaves = evidence.Leaves(Number))
            {
                for (; more && tiles.Int32(0) == 0; more = tiles.Read())
                    CheckLeaves(tiles, leaves, frontier, checkpoints);
                _leaf = frontier.Size;
                if (leaves.Read())
                    throw Wrong("no tile holds the leaf");
                _leaf = null;
            }
            for (; more; more = tiles.Read())
                CheckUpper(tiles);
        }
        if (_upper.Count > 0)
            throw Wrong($"tile {_upper.First().Key.Number} of level {_upper.First().Key.Level} is missing");
        if (frontier.Size != size)
            throw Wrong($"the tree says that it has {size} leaves, and there are {frontier.Size}");
        if (!frontier.ToArray().AsSpan().SequenceEqual(edge))
            throw Wrong("the tree's edge is not the one that follows from its leaves");
        if (checkpoints.Count > 0)
            throw Wrong($"a checkpoint was signed for {checkpoints.Peek().Size} leaves, and there are {frontier.Size}");
        return true;
    }

    /// <summary>Stands again where it stood after tree <paramref name="number"/>.</summary>
    public void Back(int number) => Number = number;

    private Queue<Checkpoint> ReadCheckpoints(string origin)
    {
        var checkpoints = new Queue<Checkpoint>();
        using var row = evidence.Checkpoints(Number);
        while (row.Read())
        {
            var size = row.GetInt64(0);
            try
            {
                var note = SignedNote.Parse(row.GetString(1));
                var checkpoint = Checkpoint.Parse(note.Text);
                if (checkpoint.Origin != origin || checkpoint.Size != size)
                    throw Wrong($"the checkpoint for {size} leaves of '{origin}' speaks of {checkpoint.Size} of '{checkpoint.Origin}'");
                if (keys().Objection(note, origin, size) is { } objection)
                    throw Wrong($"the checkpoint for {size} leaves {objection}");
                checkpoints.Enqueue(checkpoint);
            }
            catch (FormatException malformed)
            {
                throw Wrong($"the checkpoint for {size} leaves cannot be read: {malformed.Message}");
            }
            Checkpoints++;
        }
        return checkpoints;
    }

    /// <summary>Checks the leaves of a tile, and the checkpoints that were signed up to its end.</summary>
    private void CheckLeaves(DbDataReader tile, DbDataReader leaves, Frontier frontier, Queue<Checkpoint> checkpoints)
    {
        _leaf = frontier.Size;
        var hashes = tile.Bytes(2);
        if (tile.GetInt64(1) * Tile.Width != frontier.Size)
            throw Wrong($"tile {tile.GetInt64(1)} comes where tile {frontier.Size / Tile.Width} is next, which is missing or not full");
        if (hashes.Length is 0 or > Digest.Length * Tile.Width || hashes.Length % Digest.Length != 0)
            throw Wrong($"tile {tile.GetInt64(1)} has {hashes.Length} bytes");
        var added = new TileAdditions();
        for (var rest = hashes.AsSpan(); !rest.IsEmpty; rest = rest[Digest.Length..])
        {
            _leaf = frontier.Size;
            var held = new Digest(rest[..Digest.Length]);
            var leaf = ReadLeaf(leaves, frontier.Size, held);
            if (held != leaf)
                throw Wrong($"the tile holds {held}, and what the leaf stands for has {leaf}");
            frontier.Append(leaf, added);
            Leaves++;
            if (checkpoints.TryPeek(out var checkpoint) && checkpoint.Size == frontier.Size)
            {
                if (checkpoint.Root != frontier.Root)
                    throw Wrong($"the checkpoint for {checkpoint.Size} leaves says that their root is {checkpoint.Root}; it is {frontier.Root}");
                checkpoints.Dequeue();
            }
        }
        foreach (var (upper, _, more) in added.Tiles.Where(part => part.Tile.Level > 0))
        {
            if (!_upper.TryGetValue(upper, out var known))
                _upper[upper] = known = [];
            known.AddRange(more);
        }
    }

    /// <param name="held">What the tile has, which stands for what is no longer kept.</param>
    private Digest ReadLeaf(DbDataReader row, long number, Digest held)
    {
        if (!row.Read() || row.GetInt64(0) != number)
            throw Wrong("the leaf is missing");
        var (kind, owner, index) = ((LeafKind)row.Int32(1), row.GetInt64(2), row.GetInt64(3));
        var what = kind switch
        {
            LeafKind.Entry => $"entry {index} of conversation number {owner}",
            LeafKind.Administrative => $"administrative record {index}",
            _ => throw Wrong($"leaves of kind {(int)kind} are unknown"),
        };
        if (row.IsDBNull(4) && kind is LeafKind.Entry && retired().HasLeaf(_tenant!, number))
            return held;
        if (row.IsDBNull(4))
            throw Wrong($"it stands for {what}, which is missing");
        return row.GetString(5) == _tenant ? row.Digest(4) : throw Wrong($"it stands for {what}, which belongs to tenant '{row.GetString(5)}'");
    }

    private void CheckUpper(DbDataReader row)
    {
        var tile = new Tile(row.Int32(0), row.GetInt64(1));
        if (!_upper.Remove(tile, out var hashes))
            throw Wrong($"there is a tile {tile.Number} of level {tile.Level}, for which the tree is too small");
        if (!row.Bytes(2).AsSpan().SequenceEqual(hashes.ToArray()))
            throw Wrong($"tile {tile.Number} of level {tile.Level} does not hold what follows from the leaves");
    }

    private static InvalidDataException Wrong(string reason) => new(reason);
}
