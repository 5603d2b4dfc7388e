using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Search;

/// <summary>A connection that writes the index. After an exception it is to be disposed of, which undoes its transaction.</summary>
internal abstract class IndexConnection : IAsyncDisposable
{
    /// <summary>On the same connection: they see what its transaction has written.</summary>
    public abstract RecordReads Reads { get; }

    /// <summary>Whether it builds the index from now on, until it is disposed of; false while another one does.</summary>
    public abstract Task<bool> LeadAsync();

    /// <summary>From now on it sees and writes what is the tenant's, and of others how far they are. Not within a transaction.</summary>
    public abstract Task EnterAsync(string tenant);

    public abstract Task BeginAsync();

    public abstract Task CommitAsync();

    public Task RollBackAsync() => ExecuteAsync("ROLLBACK");

    /// <param name="values">Of <c>$1 … $n</c>.</param>
    /// <returns>How many rows it changed.</returns>
    public abstract Task<int> ExecuteAsync(string sql, params object?[] values);

    /// <summary>The statement once for each of the rows.</summary>
    public abstract Task ExecuteAllAsync(string sql, IReadOnlyList<object?[]> rows);

    public abstract ValueTask DisposeAsync();

    /// <summary>In a transaction of its own.</summary>
    public async Task DropAsync(string tenant)
    {
        await EnterAsync(tenant);
        await BeginAsync();
        // First the row that whoever builds has to change: it waits, or finds out.
        foreach (var table in (string[])["search_state", "search_tail", "search_segment", "search_block"])
            await ExecuteAsync($"DELETE FROM {table} WHERE tenant = $1", tenant);
        await CommitAsync();
    }
}
