using System.Data.Common;

namespace R1Grains.Ledger.Storage;

/// <summary>A <see cref="ConversationHead"/> as columns of its table.</summary>
internal static class HeadRow
{
    public const string Columns = "epoch, next_index, next_turn, next_piece, last_hash, pieces_hash, deadline, idle_timeout, last_activity, completed";

    /// <param name="first">The column of <c>epoch</c>.</param>
    public static ConversationHead Read(DbDataReader row, ConversationKey key, int first) => new()
    {
        Key = key,
        Epoch = row.GetInt64(first),
        NextIndex = row.GetInt64(first + 1),
        NextTurn = row.Int32(first + 2),
        NextPiece = row.Int32(first + 3),
        LastHash = row.Digest(first + 4),
        PiecesHash = row.Digest(first + 5),
        Deadline = row.OptionalInt64(first + 6),
        IdleTimeout = row.GetInt64(first + 7),
        LastActivity = row.GetInt64(first + 8),
        Completed = row.GetBoolean(first + 9),
    };
}
