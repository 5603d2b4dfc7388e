namespace R1Grains.Ledger.Postgres;

/// <summary>
/// How long an outage is waited out. A server that restarts, or is replaced by its standby, is a pause; one that stays
/// away is told to callers, at once from then on, until an attempt succeeds.
/// </summary>
internal sealed class Patience(string address, TimeProvider time)
{
    private static readonly TimeSpan LimitOfCalls = TimeSpan.FromSeconds(5);

    /// <summary>A whole cluster may be starting; what is set wrong is told at once.</summary>
    private static readonly TimeSpan LimitOfStart = TimeSpan.FromSeconds(15);

    /// <summary>How often a lasting outage is looked at again.</summary>
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromMilliseconds(320);

    private TimeSpan _limit = LimitOfCalls;
    private Func<Exception, bool> _isOutage = Outage.Is;

    private volatile Away? _away;

    public static Patience AtStart(string address, TimeProvider time) =>
        new(address, time) { _limit = LimitOfStart, _isOutage = failure => Outage.Is(failure) && !Outage.IsSetting(failure) };

    /// <exception cref="RecordUnavailableException">The outage lasts.</exception>
    public async Task<T> Try<T>(Func<Task<T>> attempt, CancellationToken cancellation = default)
    {
        for (var backoff = BackoffMin; ; backoff = backoff < BackoffMax ? 2 * backoff : backoff)
        {
            if (_away is { } lasting && Lasts(lasting) && time.GetElapsedTime(lasting.Looked) < ProbeInterval)
                throw Outage.Translate(lasting.Failure, address);
            var began = time.GetTimestamp();
            try
            {
                var result = await attempt();
                _away = null;
                return result;
            }
            catch (Exception failure) when (_isOutage(failure))
            {
                // One that nobody has looked at for longer than the limit may be another one.
                var since = _away is { } earlier && time.GetElapsedTime(earlier.Looked) < _limit ? earlier.Since : began;
                var away = new Away(since, time.GetTimestamp(), failure);
                _away = away;
                if (Lasts(away))
                    throw Outage.Translate(failure, address);
            }
            await Task.Delay(backoff, time, cancellation);
        }
    }

    private bool Lasts(Away away) => time.GetElapsedTime(away.Since) >= _limit;

    /// <param name="Since">When the first attempt that failed began; a timestamp.</param>
    /// <param name="Looked">When the last attempt ended; a timestamp.</param>
    private sealed record Away(long Since, long Looked, Exception Failure);
}
