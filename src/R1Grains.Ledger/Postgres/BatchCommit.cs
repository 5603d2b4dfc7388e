using Npgsql;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>Sends what a batch adds, and ends the transaction, in one round trip.</summary>
internal static class BatchCommit
{
    private const string InsertHeads = $"""
        INSERT INTO conversation_head (id, tenant, name, caller, request_id, data_key, customer, {HeadRow.Columns}, first_time, last_time)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        """;

    private const string UpdateHeads = $"""
        UPDATE conversation_head h SET ({HeadRow.Columns}, first_time, last_time) =
            (u.epoch, u.next_index, u.next_turn, u.next_piece, u.last_hash, u.pieces_hash, u.deadline, u.idle_timeout, u.last_activity, u.completed,
            least(h.first_time, u.first_time), greatest(h.last_time, u.last_time))
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS u (id, {HeadRow.Columns}, first_time, last_time)
        WHERE h.id = u.id
        """;

    private const string InsertRequests = "INSERT INTO turn_request (conversation_id, request_id, turn, tenant) SELECT * FROM unnest($1, $2, $3, $4)";

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
            batch.BatchCommands.Add(Values.Command(InsertHeads, HeadValues(rows.NewHeads, rows)));
        foreach (var month in rows.NewEntries.GroupBy(added => Month.Of(added.Entry.Time)))
            batch.BatchCommands.Add(MonthRows.Insert(month.Key, [.. month], writer, number));
        foreach (var month in rows.NewPieces.GroupBy(added => Month.Of(added.Piece.Time)))
            batch.BatchCommands.Add(MonthRows.Insert(month.Key, [.. month]));
        if (rows.NewEntries.Where(added => added.RequestId is not null).ToArray() is { Length: > 0 } opened)
        {
            batch.BatchCommands.Add(Values.Command(
                InsertRequests, Values.Of(opened, row => row.Head.Id), Values.Of(opened, row => row.RequestId), Values.Of(opened, row => row.Entry.Turn), Values.Of(opened, row => row.Head.Head.Key.Tenant)));
        }
        if (rows.ChangedHeads.Except(rows.NewHeads.Select(added => added.Head)).ToArray() is { Length: > 0 } changed)
            batch.BatchCommands.Add(Values.Command(UpdateHeads, [Values.Of(changed, stored => stored.Id), .. HeadValues(changed, rows)]));
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

    private static NpgsqlParameter[] HeadValues(List<(ConversationCreation Creation, StoredHead Head)> added, BatchRows rows) =>
    [
        Values.Of(added, row => row.Head.Id),
        Values.Of(added, row => row.Creation.Key.Tenant),
        Values.Of(added, row => row.Creation.Key.Conversation),
        Values.Of(added, row => row.Creation.Opened.Caller),
        Values.Of(added, row => row.Creation.Opened.RequestId),
        Values.Of(added, row => row.Creation.DataKey.ToArray()),
        Values.Of(added, row => row.Creation.Customer?.ToArray()),
        .. HeadValues([.. added.Select(row => row.Head)], rows),
    ];

    /// <summary>In the order of <see cref="HeadRow.Columns"/>, and the times between which the rows lie that are added.</summary>
    private static NpgsqlParameter[] HeadValues(StoredHead[] heads, BatchRows rows) =>
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
        Values.Of(heads, stored => rows.FindTimes(stored)?.First),
        Values.Of(heads, stored => rows.FindTimes(stored)?.Last),
    ];
}
