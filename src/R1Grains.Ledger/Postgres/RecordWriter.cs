using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Postgres;

/// <summary>One loop, one connection, one inbox.</summary>
internal sealed class RecordWriter : IAsyncDisposable
{
    /// <summary>How often a batch is tried against rows that other writers add at the same moment, before its writes go one by one.</summary>
    private const int AttemptsMax = 3;

    private readonly WriteInbox _inbox = new();
    private readonly Database _database;
    private readonly AcknowledgedBatches _acknowledged;
    private readonly LogIdentity? _identity;
    private readonly Patience _patience;
    private readonly Task _loop;

    /// <summary>Null after a failure: the next attempt opens it anew.</summary>
    private WriteSession? _session;

    /// <summary>Of the last session; null before the first, and when the row was lost.</summary>
    private WriteSession.Identity? _owner;

    public RecordWriter(Database database, AcknowledgedBatches acknowledged, LogIdentity? identity, TimeProvider time)
    {
        (_database, _acknowledged, _identity, _patience) = (database, acknowledged, identity, new Patience(database.Address, time));
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when the write is durable.</summary>
    public Task<T> Write<T>(Write<T> write, CancellationToken cancellation) => _inbox.Post(write, cancellation);

    public async ValueTask DisposeAsync()
    {
        _inbox.Close();
        await _loop;
    }

    private async Task RunAsync()
    {
        var batch = new List<Write>();
        while (await _inbox.WaitAsync())
        {
            _inbox.TakeInto(batch);
            await CommitAsync(batch);
            batch.Clear();
        }
        await EndAsync();
    }

    private async Task CommitAsync(List<Write> batch)
    {
        // The number under which the batch was sent last; 0 before. The record tells whether it got there.
        var sent = 0L;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                sent = await _patience.Try(AttemptAsync);
                batch.ForEach(write => write.Complete());
                return;
            }
            catch (Exception failure) when (attempt < AttemptsMax && (failure is WriterLostException && sent == 0 || Outage.IsCollision(failure)))
            {
                // The next attempt has another row, or sees the other's rows.
            }
            catch (Exception failure)
            {
                // One write that cannot be made must not take its neighbours with it; a server that is away takes all.
                if (batch.Count > 1 && failure is not (RecordUnavailableException or WriterLostException))
                {
                    foreach (var write in batch)
                        await CommitAsync([write]);
                }
                else
                {
                    batch.ForEach(write => write.Fail(Outage.Translate(failure, _database.Address)));
                }
                return;
            }
        }

        async Task<long> AttemptAsync()
        {
            var done = false;
            try
            {
                if (_session is null)
                {
                    _session = await WriteSession.OpenAsync(_database, _acknowledged, _identity, _owner);
                    _owner = _session.Owner;
                    _acknowledged.Add(_owner.Writer, _session.Batch);
                    if (sent != 0 && _session.Batch >= sent)
                    {
                        done = true;
                        return sent;
                    }
                }
                sent = _session.Batch + 1;
                await _session.CommitAsync(batch);
                _acknowledged.Add(_owner!.Writer, _session.Batch);
                done = true;
                return sent;
            }
            catch (WriterLostException)
            {
                // Told before anything of this attempt was written; of an earlier one, nobody knows any more.
                sent = _session is null ? sent : 0;
                _owner = null;
                throw;
            }
            finally
            {
                if (!done)
                    await CloseAsync();
            }
        }
    }

    private async Task CloseAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync();
        }
    }

    private async Task EndAsync()
    {
        try
        {
            if (_session is { } session)
                await session.EndAsync();
        }
        catch (Exception failure) when (Outage.Is(failure))
        {
            // The row stays as it is, and is free after a day.
        }
        await CloseAsync();
    }
}
