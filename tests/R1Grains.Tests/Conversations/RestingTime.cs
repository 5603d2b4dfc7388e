using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Conversations;

/// <summary>Time as it passes, that knows when all conversations are at rest: those that will rest hold a timer until they do.</summary>
/// <param name="restAfter">Nothing else waits for exactly so long.</param>
internal sealed class RestingTime(TimeSpan restAfter) : TimeProvider
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _rested = new();
    private int _awake;

    /// <summary>Returns once nobody is awake.</summary>
    public Task Rested()
    {
        lock (_lock) return _awake == 0 ? Task.CompletedTask : _rested.Task.WaitAsync(ScriptedSilo.Patience);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Watched(this, base.CreateTimer(callback, state, dueTime, period));

    private void Wake()
    {
        lock (_lock)
            if (_awake++ == 0) _rested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void Rest()
    {
        lock (_lock)
            if (--_awake == 0) _rested.SetResult();
    }

    private sealed class Watched(RestingTime time, ITimer timer) : ITimer
    {
        private int _isOfRest;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == time.RestAfter && Interlocked.Exchange(ref _isOfRest, 1) == 0) time.Wake();
            return timer.Change(dueTime, period);
        }

        public void Dispose()
        {
            timer.Dispose();
            if (Interlocked.Exchange(ref _isOfRest, 0) == 1) time.Rest();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    private TimeSpan RestAfter => restAfter;
}
