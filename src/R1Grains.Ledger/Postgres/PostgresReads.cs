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
