namespace R1Grains.Operations;

/// <summary>
/// The wall clock without its jumps: where it is set, this one follows at a tenth of the speed of time, and it never goes
/// back. A turn whose machine gets another time so keeps its deadline, and a conversation is not idle for an hour at once.
/// </summary>
/// <param name="clock">What is followed; its timestamps and timers are passed on.</param>
public sealed class SteadyTime(TimeProvider clock) : TimeProvider
{
    private const int Share = 10;

    /// <summary>So long a reading is gone on from without a look at the clock, which everybody would have to take in turns.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();
    private volatile Reading _last = new(clock.GetUtcNow(), clock.GetTimestamp());

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow()
    {
        var last = _last;
        var since = clock.GetElapsedTime(last.At);
        // As slowly as it may go at all, so that the next reading is not before this one.
        return since < Fresh ? last.Told + (since - since / Share) : Read();
    }

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => clock.CreateTimer(callback, state, dueTime, period);

    private DateTimeOffset Read()
    {
        lock (_gate)
        {
            var (now, at) = (clock.GetUtcNow(), clock.GetTimestamp());
            var elapsed = clock.GetElapsedTime(_last.At, at);
            var most = elapsed / Share;
            var off = now - (_last.Told + elapsed);
            _last = new(_last.Told + elapsed + (off > most ? most : off < -most ? -most : off), at);
            return _last.Told;
        }
    }

    private sealed record Reading(DateTimeOffset Told, long At);
}
