namespace R1Grains.Operations;

/// <summary>
/// The wall clock without its jumps: where it is set, this one follows at a tenth of the speed of time, and it never goes
/// back. A turn whose machine gets another time so keeps its deadline, and a conversation is not idle for an hour at once.
/// </summary>
/// <param name="clock">What is followed; its timestamps and timers are passed on.</param>
public sealed class SteadyTime(TimeProvider clock) : TimeProvider
{
    private const int Share = 10;

    private readonly Lock _gate = new();
    private DateTimeOffset _told = clock.GetUtcNow();
    private long _at = clock.GetTimestamp();

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            var (now, at) = (clock.GetUtcNow(), clock.GetTimestamp());
            var elapsed = clock.GetElapsedTime(_at, at);
            var most = elapsed / Share;
            var off = now - (_told + elapsed);
            (_told, _at) = (_told + elapsed + (off > most ? most : off < -most ? -most : off), at);
            return _told;
        }
    }

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => clock.CreateTimer(callback, state, dueTime, period);
}
