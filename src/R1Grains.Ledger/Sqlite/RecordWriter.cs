using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger.Sqlite;

/// <summary>One thread, one connection, one inbox.</summary>
internal sealed class RecordWriter : IAsyncDisposable
{
    private readonly WriteInbox _inbox = new();
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

    /// <summary>Completes when the write is on the disk.</summary>
    public Task<T> Write<T>(Write<T> write, CancellationToken cancellation) => _inbox.Post(write, cancellation);

    public async ValueTask DisposeAsync()
    {
        _inbox.Close();
        await _ended.Task;
    }

    private void Run()
    {
        var batch = new List<Write>();
        for (var arrived = _inbox.WaitAsync().AsTask(); ;)
        {
            // A checkpoint comes in its time, whether something is written or not.
            if ((_session?.CheckpointDue is not { } due || arrived.Wait(due)) && !arrived.GetAwaiter().GetResult())
                break;
            _inbox.TakeInto(batch);
            Commit(batch);
            batch.Clear();
            if (arrived.IsCompleted)
                arrived = _inbox.WaitAsync().AsTask();
        }
        if (_session?.CheckpointDue is not null)
            Commit(batch, last: true);
        _session?.Dispose();
        _ended.SetResult();
    }

    private void Commit(List<Write> batch, bool last = false)
    {
        try
        {
            _session ??= _open();
            _session.Begin();
            var rules = new WriteRules(_session, _session.Identity);
            foreach (var write in batch)
                write.Apply(rules);
            _session.Commit(last);
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
