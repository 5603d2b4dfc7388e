using System.Data.Common;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Sqlite;

internal sealed class SqliteReads(SqliteConnection connection) : RecordReads
{
    protected override string IdleBy => "deadline IS NULL AND completed = 0";

    protected override string IdleSince => "last_activity + idle_timeout";

    public override string JoinOne(string table, string name, string condition) => $"JOIN {table} {name} ON {condition}";

    protected override string TurnOfRequestQuery => """
        SELECT e.turn FROM conversation_head h JOIN entry e ON e.conversation_id = h.id AND e.request_id = $3 WHERE h.tenant = $1 AND h.name = $2
        """;

    public override ValueTask DisposeAsync() => connection.DisposeAsync();

    public override string RowsOfHead(string row) => $"{row}.conversation_id = h.id";

    internal override async Task<List<T>> Query<T>(string sql, Func<DbDataReader, T> read, params object?[] values)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
            command.Parameters.Add(new SqliteParameter($"${i + 1}", values[i] ?? DBNull.Value));
        await using var row = await command.ExecuteReaderAsync();
        return await ReadAllAsync(row, read);
    }

    protected override Task BeginAsync()
    {
        RecordFile.Execute(connection, "BEGIN");
        return Task.CompletedTask;
    }

    protected override Task EndAsync()
    {
        RecordFile.Execute(connection, "COMMIT");
        return Task.CompletedTask;
    }
}
