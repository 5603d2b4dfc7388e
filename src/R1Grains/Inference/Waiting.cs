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
}
