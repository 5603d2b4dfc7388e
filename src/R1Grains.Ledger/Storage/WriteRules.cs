using R1Grains.Ledger.Format;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Storage;

/// <summary>
/// What each write adds to the record, whatever stores it. Every method writes whole, or throws
/// <see cref="StaleEpochException"/> or <see cref="RecordConflictException"/> having written nothing.
/// </summary>
/// <param name="identity">Who signs the receipts of closed turns, if anybody does.</param>
internal sealed class WriteRules(IRecordRows rows, LogIdentity? identity)
{
    public IRegistryRows Registry => rows.Registry;

    /// <returns>The conversation is the one that the request meets: that of its id, else that of its key.</returns>
    public (CreationOutcome Outcome, ConversationKey Key) Create(ConversationOpened opened, byte[] payload)
    {
        if (rows.FindCreation(opened.Key.Tenant, opened.Caller, opened.RequestId) is { } creation)
        {
            var earlier = opened.Key with { Conversation = creation.Name };
            var replayed = earlier == opened.Key && Payload.DecodeConversationOpened(creation.Payload, earlier, default).PayloadHash == opened.PayloadHash;
            return (replayed ? CreationOutcome.Replayed : CreationOutcome.RequestIdReused, earlier);
        }
        if (rows.FindHead(opened.Key) is not null)
            return (CreationOutcome.AlreadyExists, opened.Key);

        var head = new ConversationHead { Key = opened.Key };
        var entry = new Entry(0, EntryKind.ConversationOpened, 0, 0, Microseconds.Of(opened.Time), payload, null);
        var leaf = head.Opened(entry, Microseconds.Of(opened.IdleTimeout));
        rows.Add(rows.Add(opened, head, payload), entry, leaf);
        return (CreationOutcome.Created, opened.Key);
    }

    /// <summary>The new epoch, or null when there is no such conversation.</summary>
    public long? TakeOver(ConversationKey key)
    {
        if (rows.FindHead(key) is not { } stored)
            return null;
        stored.Changed = true;
        return ++stored.Head.Epoch;
    }

    public Receipt Append(TurnOpened opened, byte[] payload, byte[] prompt)
    {
        var (stored, head) = RequireHead(opened.Key, opened.Epoch);
        var entry = new Entry(head.NextIndex, EntryKind.TurnOpened, opened.Turn, opened.Epoch, Microseconds.Of(opened.Time), payload, null);
        if (head.Misfit(entry.Kind, entry.Turn) is { } misfit)
            return Repeated(stored, entry, misfit);
        if (rows.FindTurn(stored, opened.RequestId) is { } other)
            throw new RecordConflictException(opened.Key, $"request id '{opened.RequestId}' opened turn {other} already, so it cannot open turn {opened.Turn}");
        return Add(stored, entry, head.TurnOpened(entry, Microseconds.Of(opened.Deadline)), opened.RequestId, prompt);
    }

    public Receipt Append(TurnClosed closed, byte[] payload)
    {
        var (stored, head) = RequireHead(closed.Key, closed.Epoch);
        var entry = new Entry(head.NextIndex, EntryKind.TurnClosed, closed.Turn, closed.Epoch, Microseconds.Of(closed.Time), payload, (closed.PieceCount, head.PiecesHash));
        if (head.Misfit(entry.Kind, entry.Turn) is { } misfit)
            return Repeated(stored, entry, misfit);
        if (closed.PieceCount != head.NextPiece - 1)
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with {closed.PieceCount} pieces, the record holds {head.NextPiece - 1}");
        var said = rows.Said(stored, closed.Turn);
        var answer = ByteWriter.StrictUtf8.GetBytes(closed.Answer);
        if (!answer.AsSpan().SequenceEqual(said.Text))
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with an answer of {answer.Length} bytes that is not its pieces' texts joined");
        if (!closed.ResumePoints.Take(said.ResumePoints.Count).SequenceEqual(said.ResumePoints))
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with resume points that do not begin with those of its pieces");
        return Add(stored, entry, head.TurnClosed(entry));
    }

    public Receipt Append(ConversationCompleted completed, byte[] payload)
    {
        var (stored, head) = RequireHead(completed.Key, completed.Epoch);
        var entry = new Entry(head.NextIndex, EntryKind.ConversationCompleted, 0, completed.Epoch, Microseconds.Of(completed.Time), payload, null);
        return head.Misfit(entry.Kind, entry.Turn) is { } misfit ? Repeated(stored, entry, misfit) : Add(stored, entry, head.Complete(entry));
    }

    public void Append(ConversationKey key, int turn, JournalPiece piece)
    {
        var (stored, head) = RequireHead(key, piece.Epoch);
        if (head.Misfit(turn, piece.Number) is { } misfit)
        {
            RequireRepeated(stored, turn, piece, misfit);
            return;
        }
        rows.Add(stored, turn, piece, head.Add(piece));
        stored.Changed = true;
    }

    private Receipt Add(StoredHead stored, Entry entry, Digest leaf, string? requestId = null, byte[]? prompt = null)
    {
        var key = stored.Head.Key;
        var signature = entry.Kind is EntryKind.TurnClosed
            ? identity?.Sign(Receipts.Promise(new Receipt(key, entry.Index, leaf), entry.Time, identity.Origin(key.Tenant))).Signatures[0].Line
            : null;
        rows.Add(stored, entry, leaf, requestId, prompt, signature);
        stored.Changed = true;
        return Receipts.Of(key, entry.Index, leaf, entry.Time, signature);
    }

    private (StoredHead Stored, ConversationHead Head) RequireHead(ConversationKey key, long epoch)
    {
        var found = rows.FindHead(key) ?? throw new RecordConflictException(key, "the record has no such conversation");
        if (epoch < found.Head.Epoch)
            throw new StaleEpochException(key, epoch, found.Head.Epoch);
        if (epoch > found.Head.Epoch)
            throw new RecordConflictException(key, $"epoch {epoch} was never handed out; the current one is {found.Head.Epoch}");
        return (found, found.Head);
    }

    /// <summary>A retry of what is recorded already succeeds; anything else in its place is a conflict.</summary>
    private Receipt Repeated(StoredHead stored, Entry entry, string misfit)
    {
        var key = stored.Head.Key;
        if (rows.FindEntry(stored, entry.Kind, entry.Turn) is not var (recorded, leaf, signature))
            throw new RecordConflictException(key, misfit);
        var same = recorded.Epoch == entry.Epoch && recorded.Time == entry.Time
            && recorded.Pieces?.Count == entry.Pieces?.Count && recorded.Payload.AsSpan().SequenceEqual(entry.Payload);
        return same ? Receipts.Of(key, recorded.Index, leaf, recorded.Time, signature) : throw new RecordConflictException(key, $"entry {recorded.Index} ({entry.Kind}, turn {entry.Turn}) is recorded with other bytes");
    }

    private void RequireRepeated(StoredHead stored, int turn, JournalPiece piece, string misfit)
    {
        if (rows.FindPiece(stored, turn, piece.Number) is not { } recorded)
            throw new RecordConflictException(stored.Head.Key, misfit);
        var same = recorded.Epoch == piece.Epoch && recorded.Time == piece.Time
            && recorded.TokenIds.AsSpan().SequenceEqual(piece.TokenIds) && recorded.Text.AsSpan().SequenceEqual(piece.Text)
            && recorded.ResumePoints.AsSpan().SequenceEqual(piece.ResumePoints);
        if (!same)
            throw new RecordConflictException(stored.Head.Key, $"piece {piece.Number} of turn {turn} is recorded with other bytes");
    }
}
