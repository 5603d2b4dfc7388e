using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>Sends what a batch adds, and ends the transaction, in one round trip.</summary>
internal static class BatchCommit
{
    private const string InsertHeads = $"""
        INSERT INTO conversation_head (id, tenant, name, caller, request_id, data_key, customer, {HeadRow.Columns})
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        """;

    private const string UpdateHeads = $"""
        UPDATE conversation_head h SET ({HeadRow.Columns}) =
            (u.epoch, u.next_index, u.next_turn, u.next_piece, u.last_hash, u.pieces_hash, u.deadline, u.idle_timeout, u.last_activity, u.completed)
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS u (id, {HeadRow.Columns})
        WHERE h.id = u.id
        """;

    private const string InsertEntries = """
        INSERT INTO entry (conversation_id, idx, format, kind, turn, epoch, time, request_id, piece_count, pieces_hash, hash, skeleton, sealed, prompt, receipt, writer, batch)
        SELECT *, $16, $17 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        """;

    private const string InsertPieces = """
        INSERT INTO piece (conversation_id, turn, number, epoch, time, skeleton, sealed, hash)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        """;

    /// <summary>Held to the end of the transaction: numbers become visible in their order.</summary>
    private const string Count = "UPDATE conversation_count SET conversations = conversations + $1 RETURNING conversations";

    /// <summary>Returns when everything is durable; after an exception other than <see cref="PostgresException"/> it may be.</summary>
    /// <param name="number">Of the writer's batch.</param>
    public static async Task SendAsync(NpgsqlConnection connection, BatchRows rows, Guid writer, long number)
    {
        if (rows.NewHeads.Count > 0)
            await NumberAsync(connection, rows.NewHeads);

        await using var batch = new NpgsqlBatch(connection);
        if (rows.NewHeads.Count > 0)
            batch.BatchCommands.Add(Values.Command(InsertHeads, HeadValues(rows.NewHeads)));
        if (rows.NewEntries.Count > 0)
            batch.BatchCommands.Add(Values.Command(InsertEntries, [.. EntryValues(rows.NewEntries), Values.Of(writer), Values.Of(number)]));
        if (rows.NewPieces.Count > 0)
            batch.BatchCommands.Add(Values.Command(InsertPieces, PieceValues(rows.NewPieces)));
        if (rows.ChangedHeads.Except(rows.NewHeads.Select(added => added.Head)).ToArray() is { Length: > 0 } changed)
            batch.BatchCommands.Add(Values.Command(UpdateHeads, [Values.Of(changed, stored => stored.Id), .. HeadValues(changed)]));
        foreach (var command in rows.Registry.Commands(writer, number))
            batch.BatchCommands.Add(command);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        await batch.ExecuteNonQueryAsync();
    }

    private static async Task NumberAsync(NpgsqlConnection connection, List<(ConversationCreation Creation, StoredHead Head)> added)
    {
        await using var count = new NpgsqlCommand(Count, connection);
        count.Parameters.Add(new NpgsqlParameter<long> { TypedValue = added.Count });
        var number = (long)(await count.ExecuteScalarAsync() ?? throw new InvalidDataException("the count of conversations is gone")) - added.Count;
        foreach (var (_, head) in added)
            head.Id = ++number;
    }

    private static NpgsqlParameter[] HeadValues(List<(ConversationCreation Creation, StoredHead Head)> added) =>
    [
        Values.Of(added, row => row.Head.Id),
        Values.Of(added, row => row.Creation.Key.Tenant),
        Values.Of(added, row => row.Creation.Key.Conversation),
        Values.Of(added, row => row.Creation.Opened.Caller),
        Values.Of(added, row => row.Creation.Opened.RequestId),
        Values.Of(added, row => row.Creation.DataKey.ToArray()),
        Values.Of(added, row => row.Creation.Customer?.ToArray()),
        .. HeadValues([.. added.Select(row => row.Head)]),
    ];

    /// <summary>In the order of <see cref="HeadRow.Columns"/>.</summary>
    private static NpgsqlParameter[] HeadValues(StoredHead[] heads) =>
    [
        Values.Of(heads, stored => stored.Head.Epoch),
        Values.Of(heads, stored => stored.Head.NextIndex),
        Values.Of(heads, stored => stored.Head.NextTurn),
        Values.Of(heads, stored => stored.Head.NextPiece),
        Values.Of(heads, stored => stored.Head.LastHash.ToArray()),
        Values.Of(heads, stored => stored.Head.PiecesHash.ToArray()),
        Values.Of(heads, stored => stored.Head.Deadline),
        Values.Of(heads, stored => stored.Head.IdleTimeout),
        Values.Of(heads, stored => stored.Head.LastActivity),
        Values.Of(heads, stored => stored.Head.Completed),
    ];

    private static NpgsqlParameter[] EntryValues(List<(StoredHead Head, Entry Entry, Digest Leaf, string? RequestId, string? Signature)> added) =>
    [
        Values.Of(added, row => row.Head.Id),
        Values.Of(added, row => row.Entry.Index),
        Values.Of(added, row => (short)row.Entry.Format),
        Values.Of(added, row => (short)row.Entry.Kind),
        Values.Of(added, row => row.Entry.Turn),
        Values.Of(added, row => row.Entry.Epoch),
        Values.Of(added, row => row.Entry.Time),
        Values.Of(added, row => row.RequestId),
        Values.Of(added, row => row.Entry.Pieces?.Count),
        Values.Of(added, row => row.Entry.Pieces?.Hash.ToArray()),
        Values.Of(added, row => row.Leaf.ToArray()),
        Values.Of(added, row => row.Entry.Payload.Skeleton),
        Values.Of(added, row => row.Entry.Payload.Sealed),
        Values.Of(added, row => row.Entry.Payload.Prompt),
        Values.Of(added, row => row.Signature),
    ];

    private static NpgsqlParameter[] PieceValues(List<(StoredHead Head, int Turn, JournalPiece Piece, Digest Hash)> added) =>
    [
        Values.Of(added, row => row.Head.Id),
        Values.Of(added, row => row.Turn),
        Values.Of(added, row => row.Piece.Number),
        Values.Of(added, row => row.Piece.Epoch),
        Values.Of(added, row => row.Piece.Time),
        Values.Of(added, row => row.Piece.Skeleton),
        Values.Of(added, row => row.Piece.Sealed),
        Values.Of(added, row => row.Hash.ToArray()),
    ];
}
