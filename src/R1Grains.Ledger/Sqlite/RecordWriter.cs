using System.Threading.Channels;

namespace R1Grains.Ledger.Sqlite;

/// <summary>
/// One thread, one connection, one bounded inbox. Whatever waits when the thread comes back from a commit goes into the
/// next transaction: batches grow with the load, and an append that comes alone waits for nobody.
/// </summary>
internal sealed class RecordWriter : IAsyncDisposable
{
    private const int InboxCapacity = 1_024;
    private const int BatchSizeMax = 256;

    private readonly Channel<Write> _inbox = Channel.CreateBounded<Write>(new BoundedChannelOptions(InboxCapacity) { SingleReader = true });
    private readonly Func<WriteSession> _open;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null after a failure: the next batch opens it anew.</summary>
    private WriteSession? _session;

    public RecordWriter(Func<WriteSession> open)
    {
        _open = open;
        _session = open();
        new Thread(Run) { Name = "record writer", IsBackground = true }.Start();
    }

    /// <summary>Completes when what <paramref name="apply"/> wrote is on the disk.</summary>
    public async Task<T> Write<T>(Func<WriteSession, T> apply, CancellationToken cancellation)
    {
        var write = new Write<T>(apply);
        try
        {
            await _inbox.Writer.WriteAsync(write, cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteRecord));
        }
        return await write.Done;
    }

    public async ValueTask DisposeAsync()
    {
        _inbox.Writer.TryComplete();
        await _ended.Task;
    }

    private void Run()
    {
        var batch = new List<Write>(BatchSizeMax);
        while (_inbox.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (batch.Count < BatchSizeMax && _inbox.Reader.TryRead(out var write))
                batch.Add(write);
            Commit(batch);
            batch.Clear();
        }
        _session?.Dispose();
        _ended.SetResult();
    }

    private void Commit(List<Write> batch)
    {
        try
        {
            _session ??= _open();
            _session.Begin();
            foreach (var write in batch)
                write.Apply(_session);
            _session.Commit();
        }
        catch (Exception failure)
        {
            _session?.Dispose();
            _session = null;
            // One write that cannot be made must not take its neighbours with it; a full disk takes all.
            if (batch.Count > 1 && !Outage.Is(failure))
                batch.ForEach(write => Commit([write]));
            else
                batch.ForEach(write => write.Fail(Outage.Translate(failure)));
            return;
        }
        batch.ForEach(write => write.Complete());
    }
}

internal abstract class Write
{
    public abstract void Apply(WriteSession session);

    public abstract void Complete();

    public abstract void Fail(Exception failure);
}

internal sealed class Write<T>(Func<WriteSession, T> apply) : Write
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _refusal;
    private T _result = default!;

    public Task<T> Done => _done.Task;

    public override void Apply(WriteSession session)
    {
        try
        {
            _result = apply(session);
        }
        catch (Exception refusal) when (refusal is StaleEpochException or RecordConflictException)
        {
            _refusal = refusal;
        }
    }

    public override void Complete()
    {
        if (_refusal is null)
            _done.SetResult(_result);
        else
            _done.SetException(_refusal);
    }

    public override void Fail(Exception failure) => _done.SetException(failure);
}
