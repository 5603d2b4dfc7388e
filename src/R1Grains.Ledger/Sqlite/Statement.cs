using Microsoft.Data.Sqlite;

namespace R1Grains.Ledger.Sqlite;

/// <summary>A prepared statement whose parameters are <c>$1 … $n</c>.</summary>
internal sealed class Statement : IDisposable
{
    private readonly SqliteCommand _command;

    public Statement(SqliteConnection connection, string sql, int parameters = 0)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (var i = 1; i <= parameters; i++)
            _command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
    }

    public int Execute(params ReadOnlySpan<object?> values) => Bind(values).ExecuteNonQuery();

    public SqliteDataReader Query(params ReadOnlySpan<object?> values) => Bind(values).ExecuteReader();

    public object? Scalar(params ReadOnlySpan<object?> values) => Bind(values).ExecuteScalar();

    public void Dispose() => _command.Dispose();

    private SqliteCommand Bind(ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return _command;
    }
}

internal static class Columns
{
    public static byte[] Bytes(this SqliteDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    public static Digest Digest(this SqliteDataReader row, int column) =>
        row.Bytes(column) is { Length: Ledger.Digest.Length } bytes ? new Digest(bytes) : throw new InvalidDataException("a hash does not have 32 bytes");

    /// <summary>The provider's own <c>GetInt32</c> drops the upper half without a word.</summary>
    public static int Int32(this SqliteDataReader row, int column) =>
        row.GetInt64(column) is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw new InvalidDataException($"{row.GetName(column)} does not fit 32 bits");

    public static long? OptionalInt64(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
}
