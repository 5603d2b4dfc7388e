using R1Grains.Operations;

namespace R1Grains.Tests.Operations;

public sealed class SteadyTimeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Clock _clock = new();
    private readonly SteadyTime _time;

    public SteadyTimeTests() => _time = new(_clock);

    [Fact]
    public void It_tells_what_the_clock_tells()
    {
        _clock.Advance(Second);
        Assert.Equal(_clock.GetUtcNow(), _time.GetUtcNow());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_jump_is_followed_at_a_tenth_of_the_speed_of_time(int hours)
    {
        var before = _time.GetUtcNow();
        _clock.Off = TimeSpan.FromHours(hours);
        Assert.Equal(before, _time.GetUtcNow());
        _clock.Advance(10 * Second);
        Assert.Equal(before + (10 + hours) * Second, _time.GetUtcNow());
        for (var waited = TimeSpan.Zero; waited < TimeSpan.FromHours(10); waited += TimeSpan.FromMinutes(1)) _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(_clock.GetUtcNow(), _time.GetUtcNow());
    }

    [Fact]
    public void It_never_goes_back()
    {
        var last = _time.GetUtcNow();
        foreach (var jump in new[] { -3600, 7200, -1, -1, 3600 })
        {
            _clock.Off += jump * Second;
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            var now = _time.GetUtcNow();
            Assert.True(now > last, $"{now:O} came after {last:O}");
            last = now;
        }
    }

    [Fact]
    public void It_never_goes_back_either_where_it_is_asked_more_often_than_it_looks_at_the_clock()
    {
        var last = _time.GetUtcNow();
        for (var asked = 0; asked < 10_000; asked++)
        {
            if (asked % 100 == 0) _clock.Off += (asked % 200 == 0 ? -60 : 60) * Second;
            _clock.Advance(TimeSpan.FromMicroseconds(300));
            var now = _time.GetUtcNow();
            Assert.True(now > last, $"{now:O} came after {last:O}");
            last = now;
        }
    }

    [Fact]
    public void A_clock_that_is_only_wrong_for_a_moment_moves_it_by_as_little()
    {
        _clock.Off = TimeSpan.FromHours(1);
        _clock.Advance(6 * Second);
        _ = _time.GetUtcNow();
        _clock.Off = TimeSpan.Zero;
        Assert.Equal(_clock.GetUtcNow() + 0.6 * Second, _time.GetUtcNow());
        _clock.Advance(6 * Second);
        Assert.Equal(_clock.GetUtcNow(), _time.GetUtcNow());
    }

    /// <summary>Whoever sets it does not move its timestamps.</summary>
    private sealed class Clock : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        private TimeSpan _elapsed;

        public TimeSpan Off { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan time) => _elapsed += time;

        public override DateTimeOffset GetUtcNow() => Start + _elapsed + Off;

        public override long GetTimestamp() => _elapsed.Ticks;
    }
}
