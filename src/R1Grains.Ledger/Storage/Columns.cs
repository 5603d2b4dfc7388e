using System.Data.Common;

namespace R1Grains.Ledger.Storage;

internal static class Columns
{
    public static byte[] Bytes(this DbDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    public static Digest Digest(this DbDataReader row, int column) =>
        row.Bytes(column) is { Length: Ledger.Digest.Length } bytes ? new Digest(bytes) : throw new InvalidDataException("a hash does not have 32 bytes");

    /// <summary>SQLite's own <c>GetInt32</c> drops the upper half without a word.</summary>
    public static int Int32(this DbDataReader row, int column) =>
        row.GetInt64(column) is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw new InvalidDataException($"{row.GetName(column)} does not fit 32 bits");

    public static long? OptionalInt64(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
}
