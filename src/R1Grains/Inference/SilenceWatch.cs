namespace R1Grains.Inference;

/// <summary>
/// Judges another by its silence, in ticks that go on over everything that it says: a timer for each word would cost more
/// than the word. While this process itself is stopped it hears nobody, and that counts for one tick at most.
/// </summary>
/// <param name="silence">Who says nothing for so long is silent; for less than four fifths of it, is not.</param>
internal sealed class SilenceWatch(TimeSpan silence, TimeProvider time)
{
    // Whole ones; the one before them is what is left of another.
    private const int Ticks = 4;

    private Task? _tick;

    /// <summary>Waits for the task to end in any way; false when there is nothing but silence, or when <paramref name="cancellation"/> came first.</summary>
    public async ValueTask<bool> Hears(Task next, CancellationToken cancellation = default)
    {
        // The tick that is under way has begun before the silence.
        for (var ticks = -1; ticks < Ticks && !next.IsCompleted && !cancellation.IsCancellationRequested; ticks++)
        {
            if (_tick is null or { IsCompleted: true }) (_tick, ticks) = (Task.Delay(silence / (Ticks + 1), time, cancellation), Math.Max(ticks, 0));
            await Task.WhenAny(next, _tick);
        }
        return next.IsCompleted;
    }
}
