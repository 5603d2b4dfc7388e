using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace R1Grains.Tests.Scripted;

/// <summary>Time that a test moves, and that says when somebody has begun to wait for it.</summary>
internal sealed class ArmedTimeProvider : FakeTimeProvider
{
    private readonly ConcurrentQueue<TimeSpan> _armed = [];
    private readonly SemaphoreSlim _arming = new(0);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _armed.Enqueue(dueTime);
        _arming.Release();
        return timer;
    }

    /// <summary>Returns once a wait of this length has begun that no earlier call has told of.</summary>
    public async Task Armed(TimeSpan due)
    {
        do Assert.True(await _arming.WaitAsync(ScriptedSilo.Patience), $"nobody waits for {due}");
        while (_armed.TryDequeue(out var armed) && armed != due);
    }
}
