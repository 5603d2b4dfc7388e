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

    /// <returns><see cref="CreationOutcome.Replayed"/> wherever the request's id is known.</returns>
    public (CreationOutcome Outcome, ConversationKey Key) Create(ConversationCreation creation)
    {
        var opened = creation.Opened;
        if (rows.FindCreation(opened.Key.Tenant, opened.Caller, opened.RequestId) is { } earlier)
            return (CreationOutcome.Replayed, opened.Key with { Conversation = earlier });
        if (rows.FindHead(opened.Key) is not null)
            return (CreationOutcome.AlreadyExists, opened.Key);

        var head = new ConversationHead { Key = opened.Key };
        var entry = new Entry(0, EntryKind.ConversationOpened, 0, 0, Microseconds.Of(opened.Time), creation.Payload, null);
        var leaf = head.Opened(entry, Microseconds.Of(opened.IdleTimeout));
        rows.Add(rows.Add(creation, head), entry, leaf);
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

    public Receipt Append(TurnOpening opening)
    {
        var (stored, head) = RequireHead(opening.Key, opening.Epoch);
        if (head.Misfit(opening.Kind, opening.Turn) is { } misfit)
            return Repeated(stored, opening, misfit);
        var opened = opening.Opened;
        if (rows.FindTurn(stored, opened.RequestId) is { } other)
            throw new RecordConflictException(opened.Key, $"request id '{opened.RequestId}' opened turn {other} already, so it cannot open turn {opened.Turn}");
        var entry = opening.ToEntry(head.NextIndex);
        return Add(stored, entry, head.TurnOpened(entry, Microseconds.Of(opened.Deadline)), opened.RequestId);
    }

    public Receipt Append(TurnClosing closing)
    {
        var (stored, head) = RequireHead(closing.Key, closing.Epoch);
        if (head.Misfit(closing.Kind, closing.Turn) is { } misfit)
            return Repeated(stored, closing, misfit, closing.Closed.PieceCount);
        var closed = closing.Closed;
        if (closed.PieceCount != head.NextPiece - 1)
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with {closed.PieceCount} pieces, the record holds {head.NextPiece - 1}");
        if (closing.Misfit(rows.Pieces(stored, closed.Turn)) is { } otherwise)
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with {otherwise}");
        var entry = closing.ToEntry(head.NextIndex, (closed.PieceCount, head.PiecesHash));
        return Add(stored, entry, head.TurnClosed(entry));
    }

    public Receipt Append(ConversationCompletion completion)
    {
        var (stored, head) = RequireHead(completion.Key, completion.Epoch);
        var entry = completion.ToEntry(head.NextIndex);
        return head.Misfit(entry.Kind, entry.Turn) is { } misfit ? Repeated(stored, completion, misfit) : Add(stored, entry, head.Complete(entry));
    }

    public void Append(PieceAppend append)
    {
        var piece = append.Journalled;
        var (stored, head) = RequireHead(append.Key, piece.Epoch);
        if (head.Misfit(append.Turn, piece.Number) is { } misfit)
        {
            if (rows.FindPiece(stored, append.Turn, piece.Number) is not { } recorded)
                throw new RecordConflictException(append.Key, misfit);
            if (!append.IsSaidBy(recorded))
                throw new RecordConflictException(append.Key, $"piece {piece.Number} of turn {append.Turn} is recorded with other bytes");
            return;
        }
        rows.Add(stored, append.Turn, piece, head.Add(piece));
        stored.Changed = true;
    }

    private Receipt Add(StoredHead stored, Entry entry, Digest leaf, string? requestId = null)
    {
        var key = stored.Head.Key;
        var signature = entry.Kind is EntryKind.TurnClosed
            ? identity?.Sign(Receipts.Promise(new Receipt(key, entry.Index, leaf), entry.Time, identity.Origin(key.Tenant))).Signatures[0].Line
            : null;
        rows.Add(stored, entry, leaf, requestId, signature);
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
    private Receipt Repeated(StoredHead stored, EntryAppend append, string misfit, int? pieces = null)
    {
        var key = stored.Head.Key;
        if (rows.FindEntry(stored, append.Kind, append.Turn) is not var (recorded, leaf, signature))
            throw new RecordConflictException(key, misfit);
        var same = recorded.Epoch == append.Epoch && recorded.Time == Microseconds.Of(append.Time)
            && recorded.Pieces?.Count == pieces && append.IsSaidBy(recorded.Payload);
        return same ? Receipts.Of(key, recorded.Index, leaf, recorded.Time, signature) : throw new RecordConflictException(key, $"entry {recorded.Index} ({append.Kind}, turn {append.Turn}) is recorded with other bytes");
    }
}
