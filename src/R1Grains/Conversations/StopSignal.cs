namespace R1Grains.Conversations;

/// <summary>Why a turn is to stop before its answer is complete.</summary>
internal sealed class StopSignal
{
    private readonly CancellationTokenSource _given = new();

    public CancellationToken Token => _given.Token;

    /// <summary>Who cancelled, if anybody.</summary>
    public string? CancelledBy { get; private set; }

    public bool IsCancelled => CancelledBy is not null;

    /// <summary>The activation lets go of the turn and leaves it as it is in the record.</summary>
    public bool IsAbandoned { get; private set; }

    public void Cancel(string caller)
    {
        CancelledBy ??= caller;
        _given.Cancel();
    }

    public void Abandon()
    {
        IsAbandoned = true;
        _given.Cancel();
    }

    /// <exception cref="OperationCanceledException">Abandoned.</exception>
    public void ThrowIfAbandoned()
    {
        if (IsAbandoned) throw new OperationCanceledException();
    }
}
