using R1Grains.Ledger.Search;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger;

/// <summary>
/// Which ended turns hold which terms, so that they are found without being read. It lies beside the record and follows it:
/// it can be dropped at any time and is built again. What a term stands for, only who makes them knows.
/// </summary>
public abstract class TranscriptIndex
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly StoredRecord _record;

    private protected TranscriptIndex(StoredRecord record) => _record = record;

    /// <exception cref="RecordUnavailableException"/>
    public async Task<IndexState> ReadStateAsync(string tenant, CancellationToken cancellation = default)
    {
        var state = await Read(tenant, reads => reads.IndexState(tenant), cancellation);
        // Afterwards: it is never behind the index.
        return new IndexState(state?.Scheme, state?.Leaves ?? 0, await _record.Read(tenant, reads => reads.TreeSize(tenant), cancellation));
    }

    /// <summary>Turns that hold what is asked for, the latest first.</summary>
    /// <param name="before">Those that ended at a smaller leaf; null for all.</param>
    /// <param name="limit">How many at most: ask again for those before the last one.</param>
    /// <exception cref="RecordUnavailableException"/>
    public Task<Candidates> FindAsync(string tenant, TermQuery query, long? before, int limit, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return Read(tenant, reads => reads.Candidates(tenant, query, before ?? long.MaxValue, limit), cancellation);
    }

    /// <summary>Forgets everything of the tenant, to be built anew by who follows.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public Task DropAsync(string tenant, CancellationToken cancellation = default) => Write(
        async connection =>
        {
            await connection.DropAsync(tenant);
            return true;
        }, cancellation);

    /// <summary>Takes the words out of what is known of these conversations' turns; the turns themselves stay.</summary>
    /// <param name="conversations">By name. Nothing may be said in them any more.</param>
    /// <returns>False where the index has not seen all of it yet, about a second long: ask again.</returns>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<bool> EraseAsync(string tenant, IReadOnlyCollection<string> conversations, CancellationToken cancellation = default)
    {
        var leaves = new HashSet<long>();
        foreach (var conversation in conversations)
            leaves.UnionWith(await _record.Read(tenant, reads => reads.Leaves(new ConversationKey(tenant, conversation)), cancellation));
        return await Write(connection => connection.EraseAsync(tenant, leaves), cancellation);
    }

    /// <summary>
    /// Keeps the index where the record is, about a second behind, until it is cancelled. Of all processes that follow, one
    /// does the work and the others stand by.
    /// </summary>
    /// <param name="termsOf">A tenant's turns.</param>
    /// <param name="foreign">Told once of each tenant whose index has another scheme.</param>
    /// <param name="failed">Told of what goes wrong, once where it goes on; it is tried again.</param>
    public async Task FollowAsync(
        Func<string, Task<IndexTerms>> termsOf, Action<string> foreign, Action<Exception> failed, TimeProvider time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        IndexConnection? connection = null;
        IndexBuild? build = null;
        string? told = null;
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                try
                {
                    connection ??= await OpenAsync(cancellation);
                    if (build is null && await connection.LeadAsync())
                        build = new IndexBuild(_record, connection, termsOf, foreign, Segment.TurnsFirst);
                    if (build is not null)
                        await build.RoundAsync(cancellation);
                    told = null;
                }
                catch (Exception failure) when (!cancellation.IsCancellationRequested)
                {
                    if (failure is not IndexTakenException && told != failure.Message)
                        failed(failure);
                    told = failure.Message;
                    if (connection is not null)
                        await connection.DisposeAsync();
                    (connection, build) = (null, null);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
        finally
        {
            if (connection is not null)
                await connection.DisposeAsync();
        }
    }

    /// <summary>Brings the index to where the record is, unless another process builds it.</summary>
    /// <param name="segmentTurns">How many turns become a segment.</param>
    internal async Task CatchUpAsync(Func<string, Task<IndexTerms>> termsOf, Action<string> foreign, int segmentTurns = Segment.TurnsFirst, CancellationToken cancellation = default)
    {
        await using var connection = await OpenAsync(cancellation);
        if (await connection.LeadAsync())
            await new IndexBuild(_record, connection, termsOf, foreign, segmentTurns).RoundAsync(cancellation);
    }

    private async Task<T> Write<T>(Func<IndexConnection, Task<T>> write, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await OpenAsync(cancellation);
            return await write(connection);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw Translate(failure);
        }
    }

    /// <param name="tenant">Whose rows are seen.</param>
    internal abstract Task<T> Read<T>(string tenant, Func<RecordReads, Task<T>> read, CancellationToken cancellation);

    private protected abstract Exception Translate(Exception failure);

    private protected abstract Task<IndexConnection> OpenAsync(CancellationToken cancellation);
}
