namespace R1Grains.Inference;

internal static class Waiting
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    /// <summary>Waits for the task to end in any way; false when it did not in this time, or when <paramref name="cancellation"/> came first.</summary>
    public static async ValueTask<bool> Within(this Task task, TimeSpan patience, TimeProvider time, CancellationToken cancellation = default)
    {
        if (!task.IsCompleted && (patience > TimeSpan.Zero || patience == Timeout.InfiniteTimeSpan))
            await task.WaitAsync(patience, time, cancellation).ConfigureAwait(Quietly);
        return task.IsCompleted;
    }

    /// <summary>Leaves a stream of another silo. It takes no disposal while it moves, and a dead one moves for long: nobody should wait for this.</summary>
    /// <param name="next">Its last move.</param>
    public static async Task Abandon<T>(this IAsyncEnumerator<T> stream, Task<bool>? next, TimeProvider time)
    {
        if (next is not null) await next.Within(Timeout.InfiniteTimeSpan, time);
        await stream.DisposeAsync();
    }
}
