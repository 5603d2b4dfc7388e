using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Storage;

/// <summary>One call that waits until what it wrote is durable.</summary>
internal abstract class Write
{
    /// <summary>The conversation whose head it needs.</summary>
    public abstract ConversationKey Key { get; }

    /// <summary>Of the row that it adds to a conversation; null where it adds none.</summary>
    public abstract DateTimeOffset? RowTime { get; }

    /// <summary>May be called again, in another transaction, when the one before it is known to be undone.</summary>
    public abstract void Apply(WriteRules rules);

    public abstract void Complete();

    public abstract void Fail(Exception failure);
}

internal abstract class Write<T> : Write
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _refusal;
    private T _result = default!;

    public Task<T> Done => _done.Task;

    public sealed override void Apply(WriteRules rules)
    {
        try
        {
            _refusal = null;
            _result = By(rules);
        }
        catch (Exception refusal) when (refusal is StaleEpochException or RecordConflictException or DocumentConflictException)
        {
            _refusal = refusal;
        }
        catch (KeyDestroyedException)
        {
            _refusal = new ConversationErasedException(Key);
        }
    }

    public sealed override void Complete()
    {
        if (_refusal is null)
            _done.SetResult(_result);
        else
            _done.SetException(_refusal);
    }

    public sealed override void Fail(Exception failure) => _done.SetException(failure);

    protected abstract T By(WriteRules rules);
}
