using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Inference;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Inference;

public sealed class DeviceLinkTests : IInferenceGrain
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly GenerationRequest Request = new() { Id = "x", Scope = "tenant", Prompt = [1, 2], Sampling = new() };

    // What the device says, and what it is told.
    private readonly Channel<Step> _steps = Channel.CreateUnbounded<Step>();
    private readonly Channel<int> _left = Channel.CreateUnbounded<int>();
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FakeTimeProvider _time = new();
    private Task<string> _admission = Task.FromResult(new string('5', 64));
    private int _lost;

    [Fact]
    public async Task Each_reply_gets_its_own_emissions_in_order()
    {
        var link = Open();
        using var first = await link.Submit(Request);
        using var second = await link.Submit(Request);
        Say([1, 2, 1], [Emission.Token(10), Emission.Token(20), Emission.Token(11)]);
        Assert.Equal(10, (await Next(first)).TokenId);
        Assert.Equal(11, (await Next(first)).TokenId);
        Assert.Equal(20, (await Next(second)).TokenId);
    }

    [Fact]
    public async Task A_silent_device_is_lost_with_all_its_replies_and_is_not_waited_for()
    {
        var link = Open();
        using var first = await link.Submit(Request);
        using var second = await link.Submit(Request);
        Say([1], [Emission.Token(10)]);
        Assert.Equal(10, (await Next(first)).TokenId);
        await Passes(Silence);
        foreach (var generation in new[] { first, second })
            Assert.Equal(Reason.ModelUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => Next(generation))).Refusal.Reason);
        Assert.Equal((true, 1, false), (link.IsLost, _lost, _disposed.Task.IsCompleted));
        await Assert.ThrowsAsync<RefusedException>(() => link.Submit(Request));
    }

    [Fact]
    public async Task A_sign_of_life_begins_the_silence_anew()
    {
        var link = Open();
        using var generation = await link.Submit(Request);
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(Silence - TimeSpan.FromSeconds(1));
            Say([], []);
            Say([1], [Emission.Token(i)]);
            Assert.Equal(i, (await Next(generation)).TokenId);
        }
        Assert.False(link.IsLost);
    }

    [Fact]
    public async Task While_this_process_itself_was_stopped_the_device_was_not_silent()
    {
        var time = new ArmedTimeProvider();
        Say([], []);
        var link = new DeviceLink("silo/0", this, SiloAddress.Zero, Silence, time, () => Interlocked.Increment(ref _lost)).Open();
        using var generation = await link.Submit(Request);
        await time.Armed(Silence / 5);
        time.Advance(TimeSpan.FromMinutes(1));
        await time.Armed(Silence / 5);
        Assert.False(link.IsLost);
        Say([1], [Emission.Token(10)]);
        Assert.Equal(10, (await Next(generation)).TokenId);
    }

    [Fact]
    public async Task A_submission_that_a_frozen_device_does_not_answer_ends_with_the_device()
    {
        var link = Open();
        _admission = new TaskCompletionSource<string>().Task;
        var submitted = link.Submit(Request);
        await Passes(Silence);
        Assert.Equal(Reason.ModelUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => submitted.WaitAsync(Patience))).Refusal.Reason);
    }

    [Fact]
    public async Task A_refused_request_leaves_the_others_alone()
    {
        var link = Open();
        using var first = await link.Submit(Request);
        _admission = Task.FromException<string>(new RefusedException(new(Reason.ModelQueueFull, "full")));
        Assert.Equal(Reason.ModelQueueFull, (await Assert.ThrowsAsync<RefusedException>(() => link.Submit(Request))).Refusal.Reason);
        Say([1], [Emission.Token(10)]);
        Assert.Equal(10, (await Next(first)).TokenId);
    }

    [Fact]
    public async Task A_stream_that_breaks_off_is_a_lost_device()
    {
        var link = Open();
        using var generation = await link.Submit(Request);
        _steps.Writer.Complete();
        Assert.Equal(Reason.ModelUnavailable, (await Assert.ThrowsAsync<RefusedException>(() => Next(generation))).Refusal.Reason);
        await _disposed.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_device_that_ends_says_what_it_has_and_then_why()
    {
        var link = Open();
        using var generation = await link.Submit(Request);
        _steps.Writer.TryWrite(new([1], [Emission.Token(10)], Lost: "its engine has ended"));
        Assert.Equal(10, (await Next(generation)).TokenId);
        Assert.Contains("its engine has ended", (await Assert.ThrowsAsync<RefusedException>(() => Next(generation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_leaves_tells_the_device_once_and_who_has_the_end_does_not()
    {
        var link = Open();
        var (first, second) = (await link.Submit(Request), await link.Submit(Request));
        Say([1], [Emission.Finished(new(Engine.FinishReason.Stop, new(2, 0, 1), null, null))]);
        Assert.Equal(EmissionKind.Finished, (await Next(first)).Kind);
        first.Dispose();
        second.Dispose();
        second.Dispose();
        Assert.Equal(2, await _left.Reader.ReadAsync().AsTask().WaitAsync(Patience));
        Assert.False(_left.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Patience_ends_a_wait_but_not_the_generation()
    {
        using var generation = await Open().Submit(Request);
        Assert.Null(await generation.Next(TimeSpan.Zero));
        Say([1], [Emission.Token(7)]);
        Assert.Equal(7, (await Next(generation)).TokenId);
    }

    async IAsyncEnumerable<Step> IInferenceGrain.Steps(Guid link, SiloAddress reader)
    {
        try
        {
            await foreach (var step in _steps.Reader.ReadAllAsync()) yield return step;
        }
        finally
        {
            _disposed.TrySetResult();
        }
    }

    Task<string> IInferenceGrain.Submit(Guid link, int reply, GenerationRequest request) => _admission;

    Task IInferenceGrain.Leave(Guid link, int reply)
    {
        _left.Writer.TryWrite(reply);
        return Task.CompletedTask;
    }

    Task IInferenceGrain.Forget(string tenant) => throw new NotSupportedException();

    Task<string> IInferenceGrain.GetNumerics() => throw new NotSupportedException();

    Task<TimeSpan> IInferenceGrain.PredictFirstToken(int tokens) => throw new NotSupportedException();

    private DeviceLink Open()
    {
        Say([], []);
        return new DeviceLink("silo/0", this, SiloAddress.Zero, Silence, _time, () => Interlocked.Increment(ref _lost)).Open();
    }

    private void Say(int[] replies, Emission[] emissions) => _steps.Writer.TryWrite(new(replies, emissions));

    private static async Task<Emission> Next(Generation generation) => (await generation.Next(Timeout.InfiniteTimeSpan).AsTask().WaitAsync(Patience))!.Value;

    /// <summary>The link's wait begins on another thread, so that time is moved until it has ended.</summary>
    private async Task Passes(TimeSpan time)
    {
        for (var tries = 0; tries < 200 && Volatile.Read(ref _lost) == 0; tries++)
        {
            _time.Advance(time);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
    }
}
