using System.Data.Common;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Sqlite;

internal sealed class SqliteReads(SqliteConnection connection) : RecordReads
{
    protected override string IdleBy => "deadline IS NULL AND completed = 0";

    protected override string IdleSince => "last_activity + idle_timeout";

    public override string JoinOne(string table, string name, string condition) => $"JOIN {table} {name} ON {condition}";

    public override ValueTask DisposeAsync() => connection.DisposeAsync();

    protected override DbCommand Command(string sql, object?[] values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
            command.Parameters.Add(new SqliteParameter($"${i + 1}", values[i] ?? DBNull.Value));
        return command;
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
