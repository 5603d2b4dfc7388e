using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Sqlite;

/// <summary>The writing connection and its statements. After an exception it is to be disposed of, which undoes the transaction.</summary>
internal sealed class WriteSession : IRecordRows, IDisposable
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
    private readonly RegistryRows _registry;
    private readonly TreeRows _trees;

    /// <summary>Heads of this transaction.</summary>
    private readonly Dictionary<ConversationKey, StoredHead> _heads = [];

    /// <summary>Owns the connection, also where it fails.</summary>
    /// <exception cref="InvalidDataException">The trees cannot be gone on with.</exception>
    public static WriteSession Open(SqliteConnection connection, LogIdentity identity, TimeProvider time)
    {
        try
        {
            return new WriteSession(connection, identity, new TreeRows(connection, identity, time));
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private WriteSession(SqliteConnection connection, LogIdentity identity, TreeRows trees)
    {
        (_connection, Identity, _trees, _registry) = (connection, identity, trees, new RegistryRows(connection, trees));
        _begin = new Statement(connection, "BEGIN IMMEDIATE");
        _commit = new Statement(connection, "COMMIT");
        _findHead = new Statement(connection, $"SELECT id, {HeadRow.Columns} FROM conversation_head WHERE tenant = $1 AND name = $2", 2);
        _findCreation = new Statement(connection, "SELECT name FROM conversation_head WHERE tenant = $1 AND caller = $2 AND request_id = $3", 3);
        _insertHead = new Statement(connection, $"INSERT INTO conversation_head (tenant, name, caller, request_id, data_key, customer, {HeadRow.Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id", 16);
        _updateHead = new Statement(connection, $"UPDATE conversation_head SET ({HeadRow.Columns}) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11) WHERE id = $1", 11);
        _findEntry = new Statement(connection, "SELECT idx, epoch, time, skeleton, sealed, hash, piece_count, pieces_hash, receipt FROM entry WHERE conversation_id = $1 AND turn = $2 AND kind = $3", 3);
        _findRequest = new Statement(connection, "SELECT turn FROM entry WHERE conversation_id = $1 AND request_id = $2", 2);
        _insertEntry = new Statement(connection, """
            INSERT INTO entry (conversation_id, idx, format, kind, turn, epoch, time, request_id, piece_count, pieces_hash, hash, skeleton, sealed, prompt, receipt)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            """, 15);
        _findPiece = new Statement(connection, "SELECT epoch, time, skeleton, sealed FROM piece WHERE conversation_id = $1 AND turn = $2 AND number = $3", 3);
        _pieces = new Statement(connection, "SELECT number, epoch, time, skeleton, sealed FROM piece WHERE conversation_id = $1 AND turn = $2 ORDER BY number", 2);
        _insertPiece = new Statement(connection, "INSERT INTO piece (conversation_id, turn, number, epoch, time, skeleton, sealed, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", 8);
    }

    public IRegistryRows Registry => _registry;

    /// <summary>Who signs.</summary>
    public LogIdentity Identity { get; }

    /// <summary>How long it is until a checkpoint of a tree is due; null where none will be.</summary>
    public TimeSpan? CheckpointDue => _trees.Due;

    public void Begin()
    {
        _heads.Clear();
        _begin.Execute();
    }

    /// <summary>Returns when everything written since <see cref="Begin"/> is on the disk.</summary>
    /// <param name="last">Whether nothing comes after it, so that no checkpoint may wait.</param>
    public void Commit(bool last = false)
    {
        foreach (var stored in _heads.Values)
        {
            if (stored.Changed)
                _updateHead.Execute([stored.Id, .. Values(stored.Head)]);
        }
        _trees.Write(publish: last);
        _commit.Execute();
    }

    public StoredHead? FindHead(ConversationKey key)
    {
        if (_heads.TryGetValue(key, out var known))
            return known;
        using var row = _findHead.Query(key.Tenant, key.Conversation);
        return row.Read() ? _heads[key] = new StoredHead(row.GetInt64(0), HeadRow.Read(row, key, 1)) : null;
    }

    public string? FindCreation(string tenant, string caller, string requestId) => (string?)_findCreation.Scalar(tenant, caller, requestId);

    public RecordedEntry? FindEntry(StoredHead head, EntryKind kind, int turn)
    {
        using var row = _findEntry.Query(head.Id, turn, (int)kind);
        return row.Read()
            ? new RecordedEntry(
                new Entry(row.GetInt64(0), kind, turn, row.GetInt64(1), row.GetInt64(2), new(row.Bytes(3), row.IsDBNull(4) ? null : row.Bytes(4)), row.IsDBNull(6) ? null : (row.Int32(6), row.Digest(7))),
                row.Digest(5),
                row.IsDBNull(8) ? null : row.GetString(8))
            : null;
    }

    public int? FindTurn(StoredHead head, string requestId) => (int?)(long?)_findRequest.Scalar(head.Id, requestId);

    public JournalPiece? FindPiece(StoredHead head, int turn, int number)
    {
        using var row = _findPiece.Query(head.Id, turn, number);
        return row.Read() ? new JournalPiece(number, row.GetInt64(0), row.GetInt64(1), row.Bytes(2), row.Bytes(3)) : null;
    }

    public IReadOnlyList<JournalPiece> Pieces(StoredHead head, int turn)
    {
        var pieces = new List<JournalPiece>();
        using var row = _pieces.Query(head.Id, turn);
        while (row.Read())
            pieces.Add(new JournalPiece(row.Int32(0), row.GetInt64(1), row.GetInt64(2), row.Bytes(3), row.Bytes(4)));
        return pieces;
    }

    public StoredHead Add(ConversationCreation creation, ConversationHead head)
    {
        var opened = creation.Opened;
        var id = (long)_insertHead.Scalar(
            [opened.Key.Tenant, opened.Key.Conversation, opened.Caller, opened.RequestId, creation.DataKey.ToArray(), creation.Customer?.ToArray(), .. Values(head)])!;
        return _heads[opened.Key] = new StoredHead(id, head);
    }

    public void Add(StoredHead head, Entry entry, Digest leaf, string? requestId, string? signature)
    {
        _insertEntry.Execute(
            head.Id, entry.Index, (int)entry.Format, (int)entry.Kind, entry.Turn, entry.Epoch, entry.Time, requestId,
            entry.Pieces?.Count, entry.Pieces?.Hash.ToArray(), leaf.ToArray(), entry.Payload.Skeleton, entry.Payload.Sealed, entry.Payload.Prompt, signature);
        _trees.Append(head.Head.Key.Tenant, LeafKind.Entry, head.Id, entry.Index, leaf);
    }

    public void Add(StoredHead head, int turn, JournalPiece piece, Digest hash) => _insertPiece.Execute(
        head.Id, turn, piece.Number, piece.Epoch, piece.Time, piece.Skeleton, piece.Sealed, hash.ToArray());

    public void Dispose()
    {
        foreach (var statement in (Statement[])[_begin, _commit, _findHead, _findCreation, _insertHead, _updateHead, _findEntry, _findRequest, _insertEntry, _findPiece, _pieces, _insertPiece])
            statement.Dispose();
        _registry.Dispose();
        _trees.Dispose();
        _connection.Dispose();
    }

    /// <summary>In the order of <see cref="HeadRow.Columns"/>.</summary>
    private static object?[] Values(ConversationHead head) =>
    [
        head.Epoch, head.NextIndex, head.NextTurn, head.NextPiece, head.LastHash.ToArray(), head.PiecesHash.ToArray(),
        head.Deadline, head.IdleTimeout, head.LastActivity, head.Completed ? 1 : 0,
    ];
}
