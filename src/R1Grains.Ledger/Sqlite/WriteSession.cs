using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Sqlite;

/// <summary>
/// The writing connection and its statements. Between <see cref="Begin"/> and <see cref="Commit"/> every method either
/// writes whole, or throws <see cref="StaleEpochException"/> or <see cref="RecordConflictException"/> having written
/// nothing; after any other exception the session is to be disposed of, which undoes the transaction.
/// </summary>
internal sealed class WriteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _findHead;
    private readonly Statement _findCreation;
    private readonly Statement _insertHead;
    private readonly Statement _updateHead;
    private readonly Statement _findEntry;
    private readonly Statement _findRequest;
    private readonly Statement _insertEntry;
    private readonly Statement _findPiece;
    private readonly Statement _pieces;
    private readonly Statement _insertPiece;

    /// <summary>Heads of this transaction; written back once each, however many appends a conversation has in it.</summary>
    private readonly Dictionary<ConversationKey, (long Id, ConversationHead Head)> _heads = [];

    public WriteSession(SqliteConnection connection)
    {
        _connection = connection;
        _begin = new Statement(connection, "BEGIN IMMEDIATE");
        _commit = new Statement(connection, "COMMIT");
        _findHead = new Statement(connection, $"SELECT id, {HeadRow.Columns} FROM conversation_head WHERE tenant = $1 AND name = $2", 2);
        _findCreation = new Statement(connection, "SELECT name FROM conversation_head WHERE tenant = $1 AND caller = $2 AND request_id = $3", 3);
        _insertHead = new Statement(connection, $"INSERT INTO conversation_head (tenant, name, caller, request_id, {HeadRow.Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id", 14);
        _updateHead = new Statement(connection, $"UPDATE conversation_head SET ({HeadRow.Columns}) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) WHERE id = $1", 11);
        _findEntry = new Statement(connection, "SELECT idx, epoch, time, payload, hash, piece_count FROM entry WHERE conversation_id = $1 AND turn = $2 AND kind = $3", 3);
        _findRequest = new Statement(connection, "SELECT turn FROM entry WHERE conversation_id = $1 AND request_id = $2", 2);
        _insertEntry = new Statement(connection, """
            INSERT INTO entry (conversation_id, idx, format, kind, turn, epoch, time, request_id, piece_count, pieces_hash, hash, payload, prompt)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            """, 13);
        _findPiece = new Statement(connection, "SELECT epoch, time, token_ids, text, resume_points FROM piece WHERE conversation_id = $1 AND turn = $2 AND number = $3", 3);
        _pieces = new Statement(connection, "SELECT text, resume_points FROM piece WHERE conversation_id = $1 AND turn = $2 ORDER BY number", 2);
        _insertPiece = new Statement(connection, "INSERT INTO piece (conversation_id, turn, number, epoch, time, token_ids, text, resume_points, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", 9);
    }

    public void Begin()
    {
        _heads.Clear();
        _begin.Execute();
    }

    /// <summary>Returns when everything written since <see cref="Begin"/> is on the disk.</summary>
    public void Commit()
    {
        foreach (var (id, head) in _heads.Values)
            _updateHead.Execute([id, .. HeadRow.Values(head)]);
        _commit.Execute();
    }

    /// <returns>The conversation is the one that the request meets: that of its id, else that of its key.</returns>
    public (CreationOutcome Outcome, ConversationKey Key) Create(ConversationOpened opened, byte[] payload)
    {
        if (_findCreation.Scalar(opened.Key.Tenant, opened.Caller, opened.RequestId) is string name)
        {
            var earlier = opened.Key with { Conversation = name };
            return (earlier == opened.Key && First(earlier).PayloadHash == opened.PayloadHash ? CreationOutcome.Replayed : CreationOutcome.RequestIdReused, earlier);
        }
        if (FindHead(opened.Key) is not null) return (CreationOutcome.AlreadyExists, opened.Key);

        var head = new ConversationHead { Key = opened.Key };
        var entry = new Entry(0, EntryKind.ConversationOpened, 0, 0, Microseconds.Of(opened.Time), payload, null);
        var leaf = head.Opened(entry, Microseconds.Of(opened.IdleTimeout));
        var id = (long)_insertHead.Scalar([opened.Key.Tenant, opened.Key.Conversation, opened.Caller, opened.RequestId, .. HeadRow.Values(head)])!;
        Insert(id, entry, leaf);
        _heads[opened.Key] = (id, head);
        return (CreationOutcome.Created, opened.Key);
    }

    /// <summary>The new epoch, or null when there is no such conversation.</summary>
    public long? TakeOver(ConversationKey key) => FindHead(key) is { Head: var head } ? ++head.Epoch : null;

    public Receipt Append(TurnOpened opened, byte[] payload, byte[] prompt)
    {
        var (id, head) = RequireHead(opened.Key, opened.Epoch);
        var entry = new Entry(head.NextIndex, EntryKind.TurnOpened, opened.Turn, opened.Epoch, Microseconds.Of(opened.Time), payload, null);
        if (head.Misfit(entry.Kind, entry.Turn) is { } misfit)
            return Repeated(id, head, entry, misfit);
        if (_findRequest.Scalar(id, opened.RequestId) is long other)
            throw new RecordConflictException(opened.Key, $"request id '{opened.RequestId}' opened turn {other} already, so it cannot open turn {opened.Turn}");

        var leaf = head.TurnOpened(entry, Microseconds.Of(opened.Deadline));
        Insert(id, entry, leaf, opened.RequestId, prompt);
        return new Receipt(opened.Key, entry.Index, leaf);
    }

    public Receipt Append(TurnClosed closed, byte[] payload)
    {
        var (id, head) = RequireHead(closed.Key, closed.Epoch);
        var entry = new Entry(head.NextIndex, EntryKind.TurnClosed, closed.Turn, closed.Epoch, Microseconds.Of(closed.Time), payload, (closed.PieceCount, head.PiecesHash));
        if (head.Misfit(entry.Kind, entry.Turn) is { } misfit)
            return Repeated(id, head, entry, misfit);
        if (closed.PieceCount != head.NextPiece - 1)
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with {closed.PieceCount} pieces, the record holds {head.NextPiece - 1}");
        if (ByteWriter.StrictUtf8.GetByteCount(closed.Answer) is var length && !IsJoined(id, closed, length))
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with an answer of {length} bytes that is not its pieces' texts joined");
        if (!Resumes(id, closed))
            throw new RecordConflictException(closed.Key, $"turn {closed.Turn} is closed with resume points that do not begin with those of its pieces");

        var leaf = head.TurnClosed(entry);
        Insert(id, entry, leaf);
        return new Receipt(closed.Key, entry.Index, leaf);
    }

    public Receipt Append(ConversationCompleted completed, byte[] payload)
    {
        var (id, head) = RequireHead(completed.Key, completed.Epoch);
        var entry = new Entry(head.NextIndex, EntryKind.ConversationCompleted, 0, completed.Epoch, Microseconds.Of(completed.Time), payload, null);
        if (head.Misfit(entry.Kind, entry.Turn) is { } misfit)
            return Repeated(id, head, entry, misfit);

        var leaf = head.Complete(entry);
        Insert(id, entry, leaf);
        return new Receipt(completed.Key, entry.Index, leaf);
    }

    public void Append(ConversationKey key, int turn, JournalPiece piece)
    {
        var (id, head) = RequireHead(key, piece.Epoch);
        if (head.Misfit(turn, piece.Number) is { } misfit)
        {
            RequireRepeated(id, key, turn, piece, misfit);
            return;
        }
        var hash = head.Add(piece);
        _insertPiece.Execute(id, turn, piece.Number, piece.Epoch, piece.Time, piece.TokenIds, piece.Text, piece.ResumePoints, hash.ToArray());
    }

    public void Dispose()
    {
        foreach (var statement in (Statement[])[_begin, _commit, _findHead, _findCreation, _insertHead, _updateHead, _findEntry, _findRequest, _insertEntry, _findPiece, _pieces, _insertPiece])
            statement.Dispose();
        _connection.Dispose();
    }

    private (long Id, ConversationHead Head) RequireHead(ConversationKey key, long epoch)
    {
        var found = FindHead(key) ?? throw new RecordConflictException(key, "the record has no such conversation");
        if (epoch < found.Head.Epoch)
            throw new StaleEpochException(key, epoch, found.Head.Epoch);
        if (epoch > found.Head.Epoch)
            throw new RecordConflictException(key, $"epoch {epoch} was never handed out; the current one is {found.Head.Epoch}");
        return found;
    }

    private (long Id, ConversationHead Head)? FindHead(ConversationKey key)
    {
        if (_heads.TryGetValue(key, out var known))
            return known;
        using var row = _findHead.Query(key.Tenant, key.Conversation);
        return row.Read() ? _heads[key] = (row.GetInt64(0), HeadRow.Read(row, key, 1)) : null;
    }

    private ConversationOpened First(ConversationKey key)
    {
        var recorded = FindHead(key) is { Id: var id } ? Recorded(id, key, EntryKind.ConversationOpened, 0) : null;
        return recorded is { Payload: var payload }
            ? Payload.DecodeConversationOpened(payload, key, default)
            : throw new RecordConflictException(key, "the head has no chain; verify the record");
    }

    /// <summary>A retry of what is recorded already succeeds; anything else in its place is a conflict.</summary>
    private Receipt Repeated(long id, ConversationHead head, Entry entry, string misfit)
    {
        if (Recorded(id, head.Key, entry.Kind, entry.Turn) is not { } recorded)
            throw new RecordConflictException(head.Key, misfit);
        var same = recorded.Epoch == entry.Epoch && recorded.Time == entry.Time
            && recorded.PieceCount == entry.Pieces?.Count && recorded.Payload.AsSpan().SequenceEqual(entry.Payload);
        return same ? recorded.Receipt : throw new RecordConflictException(head.Key, $"entry {recorded.Receipt.Index} ({entry.Kind}, turn {entry.Turn}) is recorded with other bytes");
    }

    private void RequireRepeated(long id, ConversationKey key, int turn, JournalPiece piece, string misfit)
    {
        using var row = _findPiece.Query(id, turn, piece.Number);
        if (!row.Read())
            throw new RecordConflictException(key, misfit);
        var same = row.GetInt64(0) == piece.Epoch && row.GetInt64(1) == piece.Time
            && row.Bytes(2).AsSpan().SequenceEqual(piece.TokenIds) && row.Bytes(3).AsSpan().SequenceEqual(piece.Text)
            && row.Bytes(4).AsSpan().SequenceEqual(piece.ResumePoints);
        if (!same)
            throw new RecordConflictException(key, $"piece {piece.Number} of turn {turn} is recorded with other bytes");
    }

    private (Receipt Receipt, long Epoch, long Time, byte[] Payload, long? PieceCount)? Recorded(long id, ConversationKey key, EntryKind kind, int turn)
    {
        using var row = _findEntry.Query(id, turn, (int)kind);
        return row.Read()
            ? (new Receipt(key, row.GetInt64(0), row.Digest(4)), row.GetInt64(1), row.GetInt64(2), row.Bytes(3), row.OptionalInt64(5))
            : null;
    }

    private bool IsJoined(long id, TurnClosed closed, int length)
    {
        var answer = new byte[length];
        ByteWriter.StrictUtf8.GetBytes(closed.Answer, answer);
        var rest = answer.AsSpan();
        using var row = _pieces.Query(id, closed.Turn);
        while (row.Read())
        {
            var text = row.Bytes(0);
            if (!rest.StartsWith(text))
                return false;
            rest = rest[text.Length..];
        }
        return rest.IsEmpty;
    }

    private bool Resumes(long id, TurnClosed closed)
    {
        var recorded = new List<ResumePoint>();
        using var row = _pieces.Query(id, closed.Turn);
        while (row.Read())
            recorded.AddRange(ResumePoints.Decode(row.Bytes(1)));
        return closed.ResumePoints.Take(recorded.Count).SequenceEqual(recorded);
    }

    private void Insert(long id, Entry entry, Digest leaf, string? requestId = null, byte[]? prompt = null) => _insertEntry.Execute(
        id, entry.Index, (int)Entry.Format, (int)entry.Kind, entry.Turn, entry.Epoch, entry.Time, requestId,
        entry.Pieces?.Count, entry.Pieces?.Hash.ToArray(), leaf.ToArray(), entry.Payload, prompt);
}
