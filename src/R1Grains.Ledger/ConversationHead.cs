using R1Grains.Ledger.Format;

namespace R1Grains.Ledger;

/// <summary>
/// What the next record of a conversation must fit to. The rules are here alone: the writer asks them before it
/// writes, and the verifier replays every chain through them and compares what comes out with the stored head.
/// </summary>
internal sealed record ConversationHead
{
    public required ConversationKey Key { get; init; }

    /// <summary>Raised by each take-over; entries carry the epoch of their writer, so it never falls along the chain.</summary>
    public long Epoch { get; set; }

    public long NextIndex { get; set; }

    /// <summary>An open turn is <c>NextTurn - 1</c>.</summary>
    public int NextTurn { get; set; } = 1;

    public int NextPiece { get; set; } = 1;

    /// <summary>Leaf hash of the chain's last entry; zeros before the first.</summary>
    public Digest LastHash { get; set; }

    /// <summary>Running hash of the latest turn's pieces; it starts as the leaf of the turn_opened.</summary>
    public Digest PiecesHash { get; set; }

    /// <summary>Microseconds; set exactly while a turn is open.</summary>
    public long? Deadline { get; set; }

    /// <summary>Microseconds.</summary>
    public long IdleTimeout { get; set; }

    /// <summary>Microseconds.</summary>
    public long LastActivity { get; set; }

    public bool Completed { get; set; }

    /// <summary>In the chain: openings and closings take turns, and a closing follows on its opening.</summary>
    public static long IndexOfOpening(int turn) => 2L * turn - 1;

    public int? OpenTurn => Deadline is null ? null : NextTurn - 1;

    /// <summary>Why such an entry cannot come next; null when it can.</summary>
    public string? Misfit(EntryKind kind, int turn) => kind switch
    {
        EntryKind.ConversationOpened => NextIndex > 0 ? "the conversation is opened already" : null,
        _ when NextIndex == 0 => "the conversation is not opened",
        _ when Completed => "the conversation is completed",
        EntryKind.TurnClosed when OpenTurn is null => $"turn {turn} is closed while no turn is open",
        EntryKind.TurnClosed => turn == OpenTurn ? null : $"turn {turn} is closed while turn {OpenTurn} is open",
        _ when OpenTurn is not null => $"turn {OpenTurn} is open",
        EntryKind.TurnOpened => turn == NextTurn ? null : $"turn {turn} is opened where turn {NextTurn} comes next",
        EntryKind.ConversationCompleted => null,
        _ => $"entry kind {(int)kind} is unknown",
    };

    /// <summary>Why such a piece cannot come next; null when it can.</summary>
    public string? Misfit(int turn, int piece) =>
        turn != OpenTurn ? $"turn {turn} is not open"
        : piece != NextPiece ? $"piece {piece} comes where piece {NextPiece} is next"
        : null;

    /// <summary>Of an entry that comes next.</summary>
    public Digest Leaf(Entry entry) => entry.Leaf(Key, LastHash);

    /// <param name="leaf">From <see cref="Leaf"/>, where the caller has asked already; so for every entry.</param>
    public Digest Opened(Entry entry, long idleTimeout, Digest? leaf = null)
    {
        IdleTimeout = idleTimeout;
        return Link(entry, leaf);
    }

    public Digest TurnOpened(Entry entry, long deadline, Digest? leaf = null)
    {
        PiecesHash = Link(entry, leaf);
        (NextTurn, NextPiece, Deadline) = (NextTurn + 1, 1, deadline);
        return PiecesHash;
    }

    public Digest Add(JournalPiece piece)
    {
        PiecesHash = piece.Hash(PiecesHash);
        NextPiece++;
        LastActivity = piece.Time;
        return PiecesHash;
    }

    public Digest TurnClosed(Entry entry, Digest? leaf = null)
    {
        Deadline = null;
        return Link(entry, leaf);
    }

    public Digest Complete(Entry entry, Digest? leaf = null)
    {
        Completed = true;
        return Link(entry, leaf);
    }

    /// <summary>
    /// Passes over an entry that is no longer kept, of which the hash is left. What followed from its content is taken from the
    /// head that was stored.
    /// </summary>
    public void Pass(Digest leaf, ConversationHead stored)
    {
        if (NextIndex == 0)
            IdleTimeout = stored.IdleTimeout;
        else if (stored.Completed && NextIndex == stored.NextIndex - 1)
            Completed = true;
        else if (NextIndex == IndexOfOpening(NextTurn))
            (NextTurn, NextPiece, PiecesHash, Deadline) = (NextTurn + 1, stored.NextPiece, stored.PiecesHash, stored.Deadline ?? long.MaxValue);
        else
            Deadline = null;
        (LastHash, LastActivity) = (leaf, stored.LastActivity);
        NextIndex++;
    }

    private Digest Link(Entry entry, Digest? leaf)
    {
        LastHash = leaf ?? Leaf(entry);
        NextIndex++;
        LastActivity = entry.Time;
        return LastHash;
    }
}
