using System.Data.Common;
using Npgsql;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

internal sealed class PostgresReads(NpgsqlConnection connection) : RecordReads
{
    /// <summary>For the transaction: what is left from an earlier read would show another tenant's rows.</summary>
    private const string SetTenant = "SELECT set_config('r1grains.tenant', $1, true)";

    private bool _inMoment;

    /// <summary>Whose rows the next reads see; null where the role sees those of all.</summary>
    public string? Tenant { get; set; }

    protected override string IdleBy => "idle_at IS NOT NULL";

    protected override string IdleSince => "idle_at";

    /// <remarks>A plan for tables of which little is known yet would begin anywhere, and read all of them for each row.</remarks>
    public override string JoinOne(string table, string name, string condition) => $"JOIN LATERAL (SELECT * FROM {table} {name} WHERE {condition} LIMIT 1) {name} ON true";

    protected override string TurnOfRequestQuery => """
        SELECT r.turn FROM conversation_head h JOIN turn_request r ON r.conversation_id = h.id AND r.request_id = $3 WHERE h.tenant = $1 AND h.name = $2
        """;

    public override ValueTask DisposeAsync() => connection.DisposeAsync();

    /// <summary>Commands that go to the server together are one transaction.</summary>
    internal override async Task<List<T>> Query<T>(string sql, Func<DbDataReader, T> read, params object?[] values)
    {
        await using var batch = new NpgsqlBatch(connection);
        var first = !_inMoment && AddTenant(batch);
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        batch.BatchCommands.Add(command);
        await using var row = await batch.ExecuteReaderAsync();
        if (first)
            await row.NextResultAsync();
        return await ReadAllAsync(row, read);
    }

    /// <remarks>In the months only in which there are any.</remarks>
    public override string RowsOfHead(string row) => $"{row}.conversation_id = h.id AND {row}.time BETWEEN h.first_time AND h.last_time";

    protected override async Task BeginAsync()
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") } };
        AddTenant(batch);
        await batch.ExecuteNonQueryAsync();
        _inMoment = true;
    }

    protected override async Task EndAsync()
    {
        await using var end = new NpgsqlCommand("COMMIT", connection);
        await end.ExecuteNonQueryAsync();
        _inMoment = false;
    }

    private bool AddTenant(NpgsqlBatch batch)
    {
        if (Tenant is null)
            return false;
        batch.BatchCommands.Add(Values.Command(SetTenant, Values.Of(Tenant)));
        return true;
    }
}
