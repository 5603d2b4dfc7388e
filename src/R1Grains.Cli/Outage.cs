namespace R1Grains.Cli;

/// <summary>The time between a break and the next success: how long to wait before each attempt, and when to give up.</summary>
/// <param name="patience">From the first break to the last attempt.</param>
internal sealed class Outage(TimeProvider time, TimeSpan patience)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private long? _began;
    private int _breaks;

    public void Ended() => (_began, _breaks) = (null, 0);

    /// <summary>Returns when the next attempt is due.</summary>
    /// <exception cref="UnreachableException">The patience is at its end.</exception>
    public async Task Break(Refusal reason, Connection connection, CancellationToken cancellation)
    {
        var lasted = time.GetElapsedTime(_began ??= time.GetTimestamp());
        if (lasted >= patience)
            throw new UnreachableException($"No answer from {connection.Addresses} in {lasted.TotalSeconds:0} s: {reason.Detail}");
        // Every address is tried once before the pauses grow.
        var pause = FirstPause * Math.Pow(2, Math.Min(_breaks++ / connection.Count, 10));
        await Task.Delay(pause < LongestPause ? pause : LongestPause, time, cancellation);
    }
}
