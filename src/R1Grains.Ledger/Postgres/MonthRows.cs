using Npgsql;

namespace R1Grains.Ledger.Postgres;

/// <summary>What inserts rows into the tables of their month, as arrays that go with everything else a batch sends.</summary>
internal static class MonthRows
{
    /// <param name="number">Of the writer's batch.</param>
    public static NpgsqlBatchCommand Insert(Month month, NewEntry[] rows, Guid writer, long number) => Values.Command(
        $"""
        INSERT INTO {month.EntryTable} (writer, batch, conversation_id, idx, epoch, time, turn, piece_count, format, kind, tenant, request_id, hash, pieces_hash, receipt, skeleton, sealed, prompt)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        """,
        Values.Of(writer),
        Values.Of(number),
        Values.Of(rows, row => row.Head.Id),
        Values.Of(rows, row => row.Entry.Index),
        Values.Of(rows, row => row.Entry.Epoch),
        Values.Of(rows, row => row.Entry.Time),
        Values.Of(rows, row => row.Entry.Turn),
        Values.Of(rows, row => row.Entry.Pieces?.Count),
        Values.Of(rows, row => (short)row.Entry.Format),
        Values.Of(rows, row => (short)row.Entry.Kind),
        Values.Of(rows, row => row.Head.Head.Key.Tenant),
        Values.Of(rows, row => row.RequestId),
        Values.Of(rows, row => row.Leaf.ToArray()),
        Values.Of(rows, row => row.Entry.Pieces?.Hash.ToArray()),
        Values.Of(rows, row => row.Signature),
        Values.Of(rows, row => row.Entry.Payload.Skeleton),
        Values.Of(rows, row => row.Entry.Payload.Sealed),
        Values.Of(rows, row => row.Entry.Payload.Prompt));

    public static NpgsqlBatchCommand Insert(Month month, NewPiece[] rows) => Values.Command(
        $"""
        INSERT INTO {month.PieceTable} (conversation_id, epoch, time, turn, number, tenant, hash, skeleton, sealed)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        Values.Of(rows, row => row.Head.Id),
        Values.Of(rows, row => row.Piece.Epoch),
        Values.Of(rows, row => row.Piece.Time),
        Values.Of(rows, row => row.Turn),
        Values.Of(rows, row => row.Piece.Number),
        Values.Of(rows, row => row.Head.Head.Key.Tenant),
        Values.Of(rows, row => row.Hash.ToArray()),
        Values.Of(rows, row => row.Piece.Skeleton),
        Values.Of(rows, row => row.Piece.Sealed));
}
