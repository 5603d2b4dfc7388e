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

    private static IEnumerable<(int, EmissionKind)> Told(Step step) => step.Replies.Zip(step.Emissions.Select(emission => emission.Kind));

    private async Task<Step> Passes(Task<Step> step)
    {
        for (; !step.IsCompleted; _time.Advance(TimeSpan.FromMilliseconds(10))) await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        return await step;
    }
}
