using Microsoft.Data.Sqlite;
using R1Grains.Ledger;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Tests.Audit;

/// <summary>What somebody could do who has both the record and its keys: to seal other words in the place of those that were said.</summary>
internal static class Forgery
{
    /// <param name="data">Folder of a record with one conversation.</param>
    public static async Task ReplacePiece(string data, ConversationKey conversation, int turn, int number, Func<Piece, Piece> alter)
    {
        await using var keys = await KeyRing.OpenBesideAsync(data);
        using var connection = new SqliteConnection($"Data Source={Path.Combine(data, SqliteRecord.FileName)};Pooling=False");
        connection.Open();
        var place = $"turn = {turn} AND number = {number}";
        byte[] skeleton, bytes;
        DataKeyId id;
        long epoch, time;
        using (var select = connection.CreateCommand())
        {
            select.CommandText = $"SELECT p.epoch, p.time, p.skeleton, p.sealed, h.data_key FROM piece p JOIN conversation_head h ON h.id = p.conversation_id WHERE {place}";
            using var row = select.ExecuteReader();
            Assert.True(row.Read());
            (epoch, time, skeleton, bytes, id) = (row.GetInt64(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2), row.GetFieldValue<byte[]>(3), DataKeyId.Of(row.GetFieldValue<byte[]>(4)));
            Assert.False(row.Read());
        }
        var key = (await keys.FindAsync(conversation.Tenant, id))!;
        var recorded = new JournalPiece(number, epoch, time, skeleton, bytes);
        var piece = recorded.Decode(FieldReader.Of(recorded.Open(key, conversation, turn)), conversation, turn).Piece;
        var forged = JournalPiece.Seal(alter(piece), key);
        using var update = connection.CreateCommand();
        update.CommandText = $"UPDATE piece SET skeleton = x'{Convert.ToHexString(forged.Skeleton)}', sealed = x'{Convert.ToHexString(forged.Sealed)}' WHERE {place}";
        Assert.Equal(1, update.ExecuteNonQuery());
    }
}
