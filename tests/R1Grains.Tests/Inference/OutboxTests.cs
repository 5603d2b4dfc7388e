using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Engine;
using R1Grains.Inference;

namespace R1Grains.Tests.Inference;

public class OutboxTests
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(320);

    private readonly FakeTimeProvider _time = new();

    /// <summary>Of a silo that died nobody takes the replies, and the rows that they hold are wanted by those who go on with them.</summary>
    [Fact]
    public void Whoever_asks_again_ends_what_was_asked_before()
    {
        var (outbox, tokens) = (new Outbox(TimeProvider.System), new Dictionary<int, CancellationToken>());
        foreach (var (reply, request) in new[] { (1, "lost"), (2, "other") })
            outbox.Add(reply, request, leaving =>
            {
                tokens[reply] = leaving;
                return Channel.CreateUnbounded<Emission>().Reader;
            });

        outbox.LeaveRequest("lost");

        Assert.True(tokens[1].IsCancellationRequested);
        Assert.False(tokens[2].IsCancellationRequested);
    }

    [Fact]
    public async Task A_step_brings_what_has_happened_to_all_replies_and_the_last_one_takes_the_reply_away()
    {
        var outbox = new Outbox(_time);
        var (first, second) = (Channel.CreateUnbounded<Emission>(), Channel.CreateUnbounded<Emission>());
        outbox.Add(1, "a", _ => first);
        outbox.Add(2, "b", _ => second);
        var step = outbox.Next(Beat).AsTask();
        first.Writer.TryWrite(Emission.Token(10));
        first.Writer.TryWrite(Emission.Token(11));
        second.Writer.TryWrite(Emission.Finished(new(Engine.FinishReason.Stop, new(2, 0, 1), null, null)));
        second.Writer.Complete();
        outbox.Happen();
        Assert.Equal([(1, EmissionKind.Token), (1, EmissionKind.Token), (2, EmissionKind.Finished)], Told(await Passes(step)));

        first.Writer.TryWrite(Emission.Token(12));
        second.Writer.TryWrite(Emission.Token(13));
        outbox.Happen();
        Assert.Equal([(1, EmissionKind.Token)], Told(await Passes(outbox.Next(Beat).AsTask())));
    }

    [Fact]
    public async Task Steps_of_others_are_no_reason_to_be_silent_for_longer_than_a_beat()
    {
        var outbox = new Outbox(_time);
        outbox.Add(1, "a", _ => Channel.CreateUnbounded<Emission>());
        var begun = _time.GetTimestamp();
        var step = outbox.Next(Beat).AsTask();
        while (!step.IsCompleted)
        {
            outbox.Happen();
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }
        Assert.Empty((await step).Replies);
        // The clock has gone on while the test's threads took turns.
        Assert.InRange(_time.GetElapsedTime(begun), Beat, Beat + TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public async Task A_reader_that_is_given_up_is_told_when_it_asks_again()
    {
        var outbox = new Outbox(_time);
        CancellationToken leaving = default;
        outbox.Add(1, "a", token =>
        {
            leaving = token;
            return Channel.CreateUnbounded<Emission>();
        });
        _time.Advance(Beat);
        Assert.Equal(Beat, outbox.UnreadFor);
        outbox.Forsake("nobody reads");
        Assert.True(leaving.IsCancellationRequested);
        Assert.Equal("nobody reads", (await outbox.Next(Beat)).Lost);
    }

    [Fact]
    public async Task Who_waits_for_a_step_reads()
    {
        var outbox = new Outbox(_time);
        var step = outbox.Next(10 * Beat).AsTask();
        _time.Advance(5 * Beat);
        Assert.Equal(TimeSpan.Zero, outbox.UnreadFor);
        await Passes(step);
        _time.Advance(Beat);
        Assert.True(outbox.UnreadFor >= Beat);
    }

    [Fact]
    public async Task A_place_in_the_queue_is_said_at_once_and_then_every_second_and_not_after_it_was_left()
    {
        var (outbox, reply) = (new Outbox(_time), Channel.CreateUnbounded<Emission>());
        outbox.Add(1, "a", _ => reply);
        await Says(Emission.Queued(9), 9);
        var begun = _time.GetTimestamp();
        foreach (var place in (int[])[8, 7, 6]) await Says(Emission.Queued(place), null);
        _time.Advance(TimeSpan.FromSeconds(1) - _time.GetElapsedTime(begun));
        await Says(Emission.Queued(5), 5);
        await Says(Emission.Queued(4), null);
        // Its row is there.
        reply.Writer.TryWrite(Emission.Prefilling(1, 2));
        outbox.Happen();
        Assert.Equal([(1, EmissionKind.Prefilling)], Told(await Passes(outbox.Next(Beat).AsTask())));
        _time.Advance(TimeSpan.FromSeconds(1));
        outbox.Happen();
        Assert.Empty((await Passes(outbox.Next(Beat).AsTask())).Replies);

        async Task Says(Emission happened, int? place)
        {
            reply.Writer.TryWrite(happened);
            outbox.Happen();
            var step = await Passes(outbox.Next(TimeSpan.FromMilliseconds(100)).AsTask());
            Assert.Equal(place is { } said ? [said] : [], step.Emissions.Select(emission => emission.Position));
        }
    }

    private static IEnumerable<(int, EmissionKind)> Told(Step step) => step.Replies.Zip(step.Emissions.Select(emission => emission.Kind));

    private async Task<Step> Passes(Task<Step> step)
    {
        for (; !step.IsCompleted; _time.Advance(TimeSpan.FromMilliseconds(10))) await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        return await step;
    }
}
