using System.Collections.Concurrent;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Postgres;

/// <summary>Connections that read in one role, kept for the next read.</summary>
internal sealed class ReadConnections(Database database, RecordRole role, AcknowledgedBatches acknowledged) : IAsyncDisposable
{
    private readonly ConcurrentBag<PostgresReads> _idle = [];

    /// <param name="tenant">Whose rows are seen; null for those of all, if the role may see them.</param>
    public async Task<T> ReadAsync<T>(string? tenant, Func<RecordReads, Task<T>> read)
    {
        if (!_idle.TryTake(out var reads))
            reads = await OpenAsync();
        try
        {
            reads.Tenant = tenant;
            var result = await read(reads);
            _idle.Add(reads);
            return result;
        }
        catch
        {
            await reads.DisposeAsync();
            // Those that wait were connected to the same server.
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out var reads))
            await reads.DisposeAsync();
    }

    private async Task<PostgresReads> OpenAsync()
    {
        var connection = await database.OpenAsync(role);
        try
        {
            await acknowledged.RequireAsync(connection);
            return new PostgresReads(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
