using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Sqlite;

/// <summary>The index in its file. SQLite's asynchronous calls block: whoever builds has a thread for it.</summary>
internal sealed class IndexConnection(SqliteConnection connection) : Search.IndexConnection
{
    public override RecordReads Reads { get; } = new SqliteReads(connection);

    /// <summary>The process that has the record has its index.</summary>
    public override Task<bool> LeadAsync() => Task.FromResult(true);

    /// <remarks>Nobody but this process sees the file, and its statements name the tenant.</remarks>
    public override Task EnterAsync(string tenant) => Task.CompletedTask;

    public override Task BeginAsync() => ExecuteAsync("BEGIN IMMEDIATE");

    public override Task CommitAsync() => ExecuteAsync("COMMIT");

    public override Task<int> ExecuteAsync(string sql, params object?[] values)
    {
        using var statement = new Statement(connection, sql, values.Length);
        return Task.FromResult(statement.Execute(values));
    }

    public override Task ExecuteAllAsync(string sql, IReadOnlyList<object?[]> rows)
    {
        if (rows.Count == 0)
            return Task.CompletedTask;
        using var statement = new Statement(connection, sql, rows[0].Length);
        foreach (var values in rows)
            statement.Execute(values);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync() => connection.DisposeAsync();
}
