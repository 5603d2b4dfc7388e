using System.Data;
using System.Data.Common;
using Npgsql;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

internal sealed class PostgresReads(NpgsqlConnection connection) : RecordReads
{
    private NpgsqlTransaction? _moment;

    protected override string IdleBy => "idle_at IS NOT NULL";

    protected override string IdleSince => "idle_at";

    /// <remarks>A plan for tables of which little is known yet would begin anywhere, and read all of them for each row.</remarks>
    public override string JoinOne(string table, string name, string condition) => $"JOIN LATERAL (SELECT * FROM {table} {name} WHERE {condition} LIMIT 1) {name} ON true";

    public override ValueTask DisposeAsync() => connection.DisposeAsync();

    protected override DbCommand Command(string sql, object?[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        return command;
    }

    protected override async Task BeginAsync() => _moment = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);

    protected override async Task EndAsync() => await _moment!.CommitAsync();
}
