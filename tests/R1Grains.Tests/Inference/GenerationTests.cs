using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Inference;

namespace R1Grains.Tests.Inference;

public sealed class GenerationTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly Channel<Emission> _peer = Channel.CreateUnbounded<Emission>();
    private readonly TaskCompletionSource _disposed = new();

    [Fact]
    public async Task A_silent_device_is_abandoned_without_waiting_for_it()
    {
        using var generation = Start(deaf: true);
        var next = generation.Next(TimeSpan.MaxValue).AsTask();
        _time.Advance(Silence - TimeSpan.FromMilliseconds(1));
        Assert.False(next.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        var lost = await Assert.ThrowsAsync<RefusedException>(() => next);
        Assert.Equal(Reason.ModelUnavailable, lost.Refusal.Reason);
        generation.Dispose();
        Assert.False(_disposed.Task.IsCompleted);
    }

    [Fact]
    public async Task Patience_ends_a_wait_but_not_the_generation()
    {
        using var generation = Start();
        var next = generation.Next(TimeSpan.FromSeconds(1)).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await next);
        await _peer.Writer.WriteAsync(Emission.Token(7));
        Assert.Equal(7, (await generation.Next(TimeSpan.FromSeconds(1)))!.Value.TokenId);
    }

    [Fact]
    public async Task A_sign_of_life_begins_the_silence_anew()
    {
        using var generation = Start();
        for (var i = 0; i < 5; i++)
        {
            var next = generation.Next(TimeSpan.MaxValue).AsTask();
            _time.Advance(Silence - TimeSpan.FromSeconds(1));
            await _peer.Writer.WriteAsync(Emission.Queued(i));
            Assert.Equal(i, (await next)!.Value.Position);
        }
    }

    [Fact]
    public async Task The_readers_own_delay_is_not_the_devices_silence()
    {
        using var generation = Start();
        _time.Advance(2 * Silence);
        var first = generation.Next(TimeSpan.MaxValue).AsTask();
        await _peer.Writer.WriteAsync(Emission.Token(1));
        Assert.Equal(1, (await first)!.Value.TokenId);
        _time.Advance(2 * Silence);
        var second = generation.Next(TimeSpan.MaxValue).AsTask();
        await _peer.Writer.WriteAsync(Emission.Token(2));
        Assert.Equal(2, (await second)!.Value.TokenId);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_is_a_lost_device()
    {
        using var generation = Start();
        _peer.Writer.Complete();
        Assert.Equal(Reason.ModelUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => generation.Next(Silence).AsTask())).Refusal.Reason);
    }

    [Fact]
    public async Task Leaving_disposes_what_still_lives()
    {
        var generation = Start();
        Assert.Null(await generation.Next(TimeSpan.Zero));
        generation.Dispose();
        generation.Dispose();
        await _peer.Writer.WriteAsync(Emission.Token(1));
        await _disposed.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private Generation Start(bool deaf = false) => new("silo/0", Peer(deaf).GetAsyncEnumerator(), Silence, _time);

    private async IAsyncEnumerable<Emission> Peer(bool deaf, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        try
        {
            if (deaf) await new TaskCompletionSource().Task;
            await foreach (var emission in _peer.Reader.ReadAllAsync(cancellation)) yield return emission;
        }
        finally
        {
            _disposed.SetResult();
        }
    }
}
