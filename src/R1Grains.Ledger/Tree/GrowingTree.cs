using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Tree;

/// <summary>A tenant's tree as its one writer knows it. After a transaction that failed it is to be read anew.</summary>
internal sealed class GrowingTree(int id, string origin, Frontier frontier, PublishedCheckpoint? last)
{
    private const int LeavesPerCheckpoint = 1_024;
    private const long MicrosecondsPerMinute = 60_000_000;

    private static readonly long CheckpointInterval = Microseconds.Of(TimeSpan.FromSeconds(1));

    private TileAdditions? _added;

    public int Id => id;

    public string Origin => origin;

    public Frontier Frontier => frontier;

    public PublishedCheckpoint? Last { get; private set; } = last;

    private long Unpublished => frontier.Size - (Last?.Size ?? 0);

    /// <returns>The leaf's number.</returns>
    public long Append(Digest leaf)
    {
        frontier.Append(leaf, _added ??= new TileAdditions());
        return frontier.Size - 1;
    }

    /// <summary>What has been appended since it was asked last; null where nothing was.</summary>
    public TileAdditions? TakeAdditions()
    {
        var added = _added;
        _added = null;
        return added;
    }

    /// <summary>When the next checkpoint is due; null where nothing was appended since the last. Both in microseconds since 1970.</summary>
    public long? Due(long now) => Unpublished switch
    {
        0 => null,
        // A last one of the future is one of a clock that went wrong.
        < LeavesPerCheckpoint when Last is { } last && last.Time <= now => last.Time + CheckpointInterval,
        _ => now,
    };

    /// <summary>
    /// Signs the tree as it is. Nobody may see the note before the leaves beneath it are durable. Of each minute the last
    /// checkpoint is kept; any two of those in between can be told consistent from the tiles, if somebody has kept them.
    /// </summary>
    /// <param name="now">Microseconds.</param>
    /// <returns>The note, and the size of the one that it replaces, if there is one.</returns>
    public (SignedNote Note, long? Replaced) Publish(LogIdentity identity, long now)
    {
        var replaced = Last is { } last && last.Time / MicrosecondsPerMinute == now / MicrosecondsPerMinute ? (long?)last.Size : null;
        Last = new PublishedCheckpoint(frontier.Size, now);
        return (identity.Sign(new Checkpoint(origin, frontier.Size, frontier.Root)), replaced);
    }
}

/// <param name="Time">Microseconds.</param>
internal sealed record PublishedCheckpoint(long Size, long Time);

/// <remarks>The numbers are part of the record's format.</remarks>
internal enum LeafKind
{
    /// <summary>An entry of a conversation: the owner is the conversation's number, the index its place in the chain.</summary>
    Entry = 1,

    /// <summary>A record of the tenant's administrative chain: the owner is 0, the index its place in the chain.</summary>
    Administrative = 2,
}
