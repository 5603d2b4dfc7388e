using Microsoft.Extensions.Time.Testing;
using R1Grains.Inference;

namespace R1Grains.Tests.Inference;

public sealed class SilenceWatchTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(10);

    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(0)]
    [InlineData(190)]
    [InlineData(395)]
    [InlineData(1990)]
    public async Task Silence_is_told_in_time_and_not_too_soon_wherever_its_ticks_stand(int spokenAfterMilliseconds)
    {
        var watch = new SilenceWatch(Silence, _time);
        for (var at = 0; at < spokenAfterMilliseconds; at += 50)
        {
            var word = new TaskCompletionSource();
            var hears = watch.Hears(word.Task).AsTask();
            await Pass(TimeSpan.FromMilliseconds(Math.Min(50, spokenAfterMilliseconds - at)));
            word.SetResult();
            Assert.True(await hears);
        }
        var begun = _time.GetTimestamp();
        var silent = watch.Hears(new TaskCompletionSource().Task).AsTask();
        while (!silent.IsCompleted) await Pass(Moment);
        Assert.False(await silent);
        // A thread may see the end of a tick one moment late, five times.
        Assert.InRange(_time.GetElapsedTime(begun), 0.8 * Silence, Silence + 5 * Moment);
    }

    [Fact]
    public async Task Who_is_cancelled_hears_nothing_any_more()
    {
        using var end = new CancellationTokenSource();
        var hears = new SilenceWatch(Silence, _time).Hears(new TaskCompletionSource().Task, end.Token).AsTask();
        await end.CancelAsync();
        Assert.False(await hears.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    private async Task Pass(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Moment)
        {
            _time.Advance(Moment);
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }
}
