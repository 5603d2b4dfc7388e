namespace R1Grains.Ledger.Format;

/// <summary>The record's time: whole microseconds since 1970-01-01T00:00:00Z, rounded down.</summary>
internal static class Microseconds
{
    public static long Of(DateTimeOffset time) => Of(time.UtcDateTime - DateTime.UnixEpoch);

    public static long Of(TimeSpan span) => (span.Ticks - (span.Ticks % 10 + 10) % 10) / TimeSpan.TicksPerMicrosecond;

    /// <exception cref="InvalidDataException">Beyond what a <see cref="DateTimeOffset"/> can hold.</exception>
    public static DateTimeOffset ToTime(long microseconds)
    {
        try
        {
            return DateTimeOffset.UnixEpoch.AddTicks(checked(microseconds * TimeSpan.TicksPerMicrosecond));
        }
        catch (Exception cause) when (cause is OverflowException or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException($"{microseconds} microseconds since 1970 is no time", cause);
        }
    }

    /// <exception cref="InvalidDataException">Beyond what a <see cref="TimeSpan"/> can hold.</exception>
    public static TimeSpan ToSpan(long microseconds) =>
        microseconds is >= 0 and <= long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond)
            : throw new InvalidDataException($"{microseconds} microseconds is no time span");
}
