using R1Grains.Conversations;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Conversations;

public sealed class EventLogTests
{
    private readonly ArmedTimeProvider _time = new();

    [Fact]
    public async Task Every_reader_gets_every_event_at_its_own_pace()
    {
        var log = new EventLog<string>(_time);
        await using var slow = log.Read(0).GetAsyncEnumerator();
        log.Append("a");
        Assert.True(await slow.MoveNextAsync());
        foreach (var what in new[] { "b", "c" }) log.Append(what);
        log.End();
        Assert.Equal(["a", "b", "c"], await log.Read(0).ToListAsync());
        Assert.Equal(["c"], await log.Read(2).ToListAsync());
        Assert.True(await slow.MoveNextAsync());
        Assert.Equal("b", slow.Current);
    }

    [Fact]
    public async Task Silence_is_told_every_ten_seconds()
    {
        var log = new EventLog<string>(_time);
        await using var reader = log.Read(0).GetAsyncEnumerator();
        for (var i = 0; i < 3; i++)
        {
            var next = reader.MoveNextAsync().AsTask();
            await _time.Armed(EventLog<string>.Silence);
            _time.Advance(EventLog<string>.Silence - TimeSpan.FromMilliseconds(1));
            Assert.False(next.IsCompleted);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(await next);
            Assert.Null(reader.Current);
        }
    }

    [Fact]
    public async Task A_reader_that_falls_behind_a_bounded_log_is_told_so()
    {
        var log = new EventLog<string>(_time, capacity: 10);
        await using var reader = log.Read(0).GetAsyncEnumerator();
        log.Append("0");
        await reader.MoveNextAsync();
        for (var i = 1; i <= 10; i++) log.Append($"{i}");
        var refused = await Assert.ThrowsAsync<RefusedException>(() => reader.MoveNextAsync().AsTask());
        Assert.Equal(Reason.NodeUnavailable, refused.Refusal.Reason);
        log.End();
        Assert.Equal(["9", "10"], await log.Read(9).ToListAsync());
    }

    [Fact]
    public async Task What_a_log_forgot_is_refused_and_what_comes_then_is_read()
    {
        var log = new EventLog<string>(_time, capacity: 10);
        foreach (var what in new[] { "a", "b" }) log.Append(what);
        log.Forget();
        var next = log.Next;
        log.Append("c");
        log.End();
        Assert.Equal(2, next);
        Assert.Equal(["c"], await log.Read(next).ToListAsync());
        Assert.Equal(Reason.NodeUnavailable, (await Assert.ThrowsAsync<RefusedException>(async () => await log.Read(0).ToListAsync())).Refusal.Reason);
    }

    [Fact]
    public async Task A_failure_comes_after_what_happened_before_it()
    {
        var log = new EventLog<string>(_time);
        log.Append("a");
        log.End(new(Reason.StaleEpoch, "gone"));
        log.End();
        await using var reader = log.Read(0).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal(Reason.StaleEpoch, (await Assert.ThrowsAsync<RefusedException>(() => reader.MoveNextAsync().AsTask())).Refusal.Reason);
    }
}
