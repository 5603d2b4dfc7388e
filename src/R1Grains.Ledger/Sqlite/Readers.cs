using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Sqlite;

/// <summary>Reading connections to one file, a few at once.</summary>
internal sealed class Readers(Func<SqliteConnection> open, Func<Exception, Exception> translate) : IAsyncDisposable
{
    private const int Max = 8;

    private readonly SemaphoreSlim _places = new(Max);
    private readonly ConcurrentBag<SqliteReads> _idle = [];

    /// <remarks>SQLite's asynchronous calls block, so that a read takes a thread for its time.</remarks>
    public async Task<T> Read<T>(Func<RecordReads, Task<T>> read, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        try
        {
            return await Task.Run(async () =>
            {
                SqliteReads? reads = null;
                try
                {
                    if (!_idle.TryTake(out reads))
                        reads = new SqliteReads(open());
                    var result = await read(reads);
                    _idle.Add(reads);
                    return result;
                }
                catch (Exception failure)
                {
                    if (reads is not null)
                        await reads.DisposeAsync();
                    throw translate(failure);
                }
            }, cancellation);
        }
        finally
        {
            _places.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _idle)
            await reader.DisposeAsync();
        _places.Dispose();
    }
}
