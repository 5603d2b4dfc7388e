using System.Data.Common;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// Builds every tenant's tree again from the hashes of its leaves, and compares its tiles, its edge and its checkpoints. Trees
/// only grow, so that a stretch of one after another is compared as each is at its own moment, and the last one with the end.
/// </summary>
/// <param name="keys">That sign checkpoints.</param>
/// <param name="retired">What may be missing.</param>
internal sealed class TreeWalk(IEvidence evidence, Func<SigningKeys> keys, Func<RetiredRows> retired)
{
    /// <summary>Leaves that are read at one moment, at most: a tree of any size keeps the store from nothing.</summary>
    private const int Stride = 64 * Tile.Width;

    /// <summary>Of the levels above the leaves, which are compared when those are done.</summary>
    private readonly Dictionary<Tile, List<byte>> _upper = [];

    /// <summary>What has been compared of the tree in which it stands; null between two.</summary>
    private Frontier? _done;

    private string? _tenant;
    private long? _leaf;
    private SignedNote? _lastNote;

    /// <summary>Of the tree checked last, or in which it stands; 0 before the first.</summary>
    public int Number { get; private set; }

    public long Leaves { get; private set; }

    public long Checkpoints { get; private set; }

    /// <summary>The last one that agreed with everything.</summary>
    public VerifiedTree? Last { get; private set; }

    public BadRecord Here(string reason) => new(_tenant, null, null, null, null, reason) { InTree = true, Leaf = _leaf };

    /// <summary>Goes on after the tree in which it stands. False when it stands in none.</summary>
    public bool Leave()
    {
        var stood = _done is not null;
        (_done, _tenant, _leaf) = (null, null, null);
        return stood;
    }

    /// <summary>
    /// Checks what comes next, as it is at one moment: of the same tree, else of the one that follows. False when there is none.
    /// After a contradiction among leaves or checkpoints it stands where it stood, so that it can be asked again.
    /// </summary>
    public bool CheckNext()
    {
        string origin;
        long size;
        byte[] edge;
        _leaf = null;
        using (var tree = evidence.Tree(_done is null ? Number : Number - 1))
        {
            if (!tree.Read())
                return _done is null ? false : throw Wrong("the tree is gone");
            if (_done is not null && tree.Int32(0) != Number)
                throw Wrong("the tree is gone");
            (Number, _tenant, origin, size, edge) = (tree.Int32(0), tree.GetString(1), tree.GetString(2), tree.GetInt64(3), tree.Bytes(4));
        }
        if (_done is null)
        {
            (_done, _lastNote) = (new Frontier(), null);
            _upper.Clear();
        }
        var frontier = _done.Copy();
        var end = size - frontier.Size > Stride ? frontier.Size + Stride : long.MaxValue;
        var checkpoints = ReadCheckpoints(origin, frontier.Size, end);
        var (signed, upper) = (checkpoints.Count, new List<(Tile Tile, byte[] Hashes)>());
        var note = CheckLeaves(frontier, end, checkpoints, upper);
        foreach (var (tile, more) in upper)
        {
            if (!_upper.TryGetValue(tile, out var known))
                _upper[tile] = known = [];
            known.AddRange(more);
        }
        Leaves += frontier.Size - _done.Size;
        Checkpoints += signed;
        (_done, _lastNote) = (frontier, note ?? _lastNote);
        if (end != long.MaxValue)
            return true;

        CheckUpper();
        if (frontier.Size != size)
            throw Wrong($"the tree says that it has {size} leaves, and there are {frontier.Size}");
        if (!frontier.ToArray().AsSpan().SequenceEqual(edge))
            throw Wrong("the tree's edge is not the one that follows from its leaves");
        if (checkpoints.Count > 0)
            throw Wrong($"a checkpoint was signed for {checkpoints.Peek().Checkpoint.Size} leaves, and there are {frontier.Size}");
        Last = new(size, frontier.Root, _lastNote);
        Leave();
        return true;
    }

    /// <param name="after">Those for more leaves,</param>
    /// <param name="last">and for no more than these.</param>
    private Queue<(Checkpoint Checkpoint, SignedNote Note)> ReadCheckpoints(string origin, long after, long last)
    {
        var checkpoints = new Queue<(Checkpoint, SignedNote)>();
        using var row = evidence.Checkpoints(Number, after == 0 ? long.MinValue : after, last);
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
                checkpoints.Enqueue((checkpoint, note));
            }
            catch (FormatException malformed)
            {
                throw Wrong($"the checkpoint for {size} leaves cannot be read: {malformed.Message}");
            }
        }
        return checkpoints;
    }

    /// <summary>Checks a stretch of the leaves, and the checkpoints that were signed up to its end.</summary>
    /// <param name="upper">Gets what follows for the tiles above.</param>
    /// <returns>The last of the checkpoints.</returns>
    private SignedNote? CheckLeaves(Frontier frontier, long end, Queue<(Checkpoint Checkpoint, SignedNote Note)> checkpoints, List<(Tile, byte[])> upper)
    {
        var first = frontier.Size == 0 ? long.MinValue : frontier.Size;
        SignedNote? last = null;
        using var tiles = evidence.LeafTiles(Number, first == long.MinValue ? first : first / Tile.Width, end == long.MaxValue ? end : end / Tile.Width);
        using var leaves = evidence.Leaves(Number, first, end);
        while (tiles.Read())
            last = CheckLeaves(tiles, leaves, frontier, checkpoints, upper) ?? last;
        _leaf = frontier.Size;
        if (leaves.Read() || (end != long.MaxValue && frontier.Size != end))
            throw Wrong("no tile holds the leaf");
        _leaf = null;
        return last;
    }

    /// <summary>Checks the leaves of a tile, and the checkpoints that were signed up to its end.</summary>
    private SignedNote? CheckLeaves(DbDataReader tile, DbDataReader leaves, Frontier frontier, Queue<(Checkpoint Checkpoint, SignedNote Note)> checkpoints, List<(Tile, byte[])> upper)
    {
        SignedNote? last = null;
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
            if (!checkpoints.TryPeek(out var next) || next.Checkpoint.Size != frontier.Size)
                continue;
            var (checkpoint, note) = checkpoints.Dequeue();
            if (checkpoint.Root != frontier.Root)
                throw Wrong($"the checkpoint for {checkpoint.Size} leaves says that their root is {checkpoint.Root}; it is {frontier.Root}");
            last = note;
        }
        upper.AddRange(added.Tiles.Where(part => part.Tile.Level > 0).Select(part => (part.Tile, part.Hashes)));
        return last;
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
        if (row.IsDBNull(5))
            throw Wrong($"it stands for {what}, which belongs to no conversation{(evidence.Tenant is null ? "" : " of the tenant")}");
        return row.GetString(5) == _tenant ? row.Digest(4) : throw Wrong($"it stands for {what}, which belongs to tenant '{row.GetString(5)}'");
    }

    private void CheckUpper()
    {
        using (var tiles = evidence.UpperTiles(Number))
        {
            while (tiles.Read())
                CheckUpper(tiles);
        }
        if (_upper.Count > 0)
            throw Wrong($"tile {_upper.First().Key.Number} of level {_upper.First().Key.Level} is missing");
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
