using System.Collections.Concurrent;
using System.Diagnostics;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>Conversations that append turns without end, and repeat what fails until it succeeds, as a server's activations do.</summary>
internal sealed class Traffic : IAsyncDisposable
{
    private const int Pieces = 4;

    private readonly IRecord _record;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _conversations;
    private long _acknowledged;

    /// <summary>Last turn that was acknowledged whole.</summary>
    private readonly ConcurrentDictionary<ConversationKey, Receipt> _closed = [];

    public Traffic(IRecord record, int conversations = 6)
    {
        _record = record;
        _conversations = Task.WhenAll(Enumerable.Range(0, conversations).Select(number => ConverseAsync(Samples.Key($"c{number}"))));
    }

    public ConcurrentBag<RecordUnavailableException> Failures { get; } = [];

    public TimeSpan LongestCall { get; private set; }

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Waits until so many more appends are acknowledged.</summary>
    public async Task FlowAsync(int appends = 60)
    {
        var goal = Acknowledged + appends;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Acknowledged < goal && !_conversations.IsCompleted)
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        if (_conversations.IsFaulted)
            await _conversations;
    }

    /// <summary>Ends, and looks for what was acknowledged.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _conversations;
        foreach (var (key, receipt) in _closed)
        {
            var turns = await UntilDone(() => _record.ListTurnsAsync(key, IRecord.PageSizeMax));
            Assert.All(turns.Items.SkipLast(1), turn => Assert.Equal(Pieces, turn.Pieces.Count));
            Assert.Contains(receipt, turns.Items.Select(turn => turn.ClosedReceipt));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _ = _conversations.ContinueWith(task => task.Exception, TaskScheduler.Default);
    }

    private async Task ConverseAsync(ConversationKey key)
    {
        await UntilDone(() => _record.CreateConversationAsync(Samples.Opened(key)));
        var epoch = (await UntilDone(() => _record.TakeOverAsync(key)))!.Epoch;
        for (var turn = 1; !_stop.IsCancellationRequested && turn < IRecord.PageSizeMax; turn++)
        {
            await UntilDone(() => _record.AppendAsync(Samples.Turn(key, turn, epoch), Samples.Prompt));
            for (var number = 1; number <= Pieces; number++)
            {
                await UntilDone(async () =>
                {
                    await _record.AppendAsync(Samples.Piece(key, turn, number, epoch));
                    return true;
                });
            }
            _closed[key] = await UntilDone(() => _record.AppendAsync(Samples.Closed(key, turn, epoch, Pieces)));
        }
    }

    private async Task<T> UntilDone<T>(Func<Task<T>> call)
    {
        while (true)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                var result = await call();
                Interlocked.Increment(ref _acknowledged);
                return result;
            }
            catch (RecordUnavailableException failure) when (failure is not RecordRewoundException)
            {
                Failures.Add(failure);
            }
            finally
            {
                var took = Stopwatch.GetElapsedTime(began);
                LongestCall = took > LongestCall ? took : LongestCall;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
    }
}
