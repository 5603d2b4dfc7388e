using Npgsql;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>The index in the record's database. The connection that holds the lock builds it.</summary>
internal sealed class IndexConnection : Search.IndexConnection
{
    /// <summary>"R1SX": one process at a time builds the index. That no two go on from the same place, the rows see to.</summary>
    private const long Lock = 0x52315358;

    /// <summary>In seconds: a segment of the highest level is some hundred thousand rows' worth of postings, and nobody waits.</summary>
    private const int Timeout = 60;

    /// <summary>What is lost by a crash is built again, so that no commit waits for the disk.</summary>
    private const string Settings = "SELECT set_config('synchronous_commit', 'off', false), set_config('idle_in_transaction_session_timeout', '60s', false), set_config('jit', 'off', false)";

    private readonly NpgsqlConnection _connection;
    private string? _tenant;

    private IndexConnection(NpgsqlConnection connection) => (_connection, Reads) = (connection, new PostgresReads(connection));

    public override RecordReads Reads { get; }

    /// <exception cref="NpgsqlException"/>
    public static async Task<IndexConnection> OpenAsync(Database database, CancellationToken cancellation)
    {
        var index = new IndexConnection(await database.OpenAsync(RecordRole.Indexer, cancellation));
        try
        {
            await index.ExecuteAsync(Settings);
            return index;
        }
        catch
        {
            await index.DisposeAsync();
            throw;
        }
    }

    public override async Task<bool> LeadAsync()
    {
        await using var lead = new NpgsqlCommand($"SELECT pg_try_advisory_lock({Lock})", _connection);
        return await lead.ExecuteScalarAsync() is true;
    }

    public override async Task EnterAsync(string tenant)
    {
        if (tenant == _tenant)
            return;
        await using var enter = new NpgsqlCommand("SELECT set_config('r1grains.tenant', $1, false)", _connection) { Parameters = { Values.Of(tenant) } };
        await enter.ExecuteNonQueryAsync();
        _tenant = tenant;
    }

    public override Task BeginAsync() => ExecuteAsync("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");

    public override Task CommitAsync() => ExecuteAsync("COMMIT");

    public override async Task<int> ExecuteAsync(string sql, params object?[] values)
    {
        await using var command = new NpgsqlCommand(sql, _connection) { CommandTimeout = Timeout };
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        return await command.ExecuteNonQueryAsync();
    }

    public override async Task ExecuteAllAsync(string sql, IReadOnlyList<object?[]> rows)
    {
        await using var batch = new NpgsqlBatch(_connection) { Timeout = Timeout };
        foreach (var values in rows)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var value in values)
                command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
            batch.BatchCommands.Add(command);
        }
        await batch.ExecuteNonQueryAsync();
    }

    public override ValueTask DisposeAsync() => _connection.DisposeAsync();
}
