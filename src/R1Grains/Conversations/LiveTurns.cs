namespace R1Grains.Conversations;

/// <summary>The turns that run or wait in this process, with a client or without.</summary>
public sealed class LiveTurns
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _none;

    public int Count { get; private set; }

    /// <summary>Completes at the next moment without any.</summary>
    public Task None
    {
        get
        {
            lock (_gate)
                return Count == 0 ? Task.CompletedTask : (_none ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    internal void Began()
    {
        lock (_gate) Count++;
    }

    internal void Ended()
    {
        lock (_gate)
        {
            if (--Count > 0) return;
            _none?.SetResult();
            _none = null;
        }
    }
}
