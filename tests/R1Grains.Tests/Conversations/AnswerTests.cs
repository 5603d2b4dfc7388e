using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Inference;
using R1Grains.Ledger;
using R1Grains.Tests.Cluster;
using R1Grains.Tests.Compliance;
using R1Grains.Tests.Inference;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Conversations;

/// <summary>The answer's sense of time, tick by tick: the test is the device, and owns the clock.</summary>
public sealed class AnswerTests : IAsyncLifetime
{
    private static readonly TimeSpan Held = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Gathered = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly ArmedTimeProvider _time = new();
    private readonly Model _model = ScriptedModel.Create();
    private readonly Channel<Emission> _device = Channel.CreateUnbounded<Emission>();
    private readonly Channel<TurnEvent> _published = Channel.CreateUnbounded<TurnEvent>();
    private readonly StopSignal _stop = new();
    private IRecord _record = null!;
    private Answer _answer = null!;
    private Task<Ending> _ending = null!;
    private readonly Dictionary<string, InferenceRouterTests.Device> _devices = [];
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task InitializeAsync()
    {
        _record = await SqliteRecord.OpenAsync(_folder.Path);
        var turns = new OpenTurn(_record, _model, _time);
        var (transcript, opened, prompt) = await turns.Write("say:x");
        var router = new InferenceRouter(InferenceRouterTests.Grains(_devices, ("silo", 0), ("other", 0)), new KnownNodes(("silo", Roles.Inference), ("other", Roles.Inference)).Nodes, _time);
        var parts = new ConversationParts(_record, null!, router, _model, null!, null!, new(), new(), null!, _time, ScriptedSilo.TurnTimeout, ConversationGrain.RestAfter, new(), NullLogger<ConversationGrain>.Instance);
        _answer = new(parts, transcript, opened, prompt, new(Lists.Of(LexiconAction.Replace, "forbidden word"), "demo", Lists.Today, "en"), _stop, happened => _published.Writer.TryWrite(happened));
        _ending = _answer.Release(new Generation("silo/0", default, _device.Reader, () => _left.TrySetResult(), _time));
    }

    public async Task DisposeAsync()
    {
        _stop.Abandon();
        await _ending.ContinueWith(_ => { }, TaskScheduler.Default);
        await _record.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_reply_that_waits_for_a_row_goes_to_a_device_that_has_one()
    {
        _device.Writer.TryWrite(Emission.Queued(3));
        await Next<QueuePosition>();
        // A wait whose length was reckoned before a second passed, and that begins after it, sees only the next one.
        for (var seconds = 0; !_left.Task.IsCompleted; seconds++)
        {
            Assert.InRange(seconds, 0, 60);
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(_left.Task, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System));
        }
        for (var tries = 0; tries < 1_000 && _devices["other/0"].Submitted == 0; tries++) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        Assert.Equal((0, 1), (_devices["silo/0"].Submitted, _devices["other/0"].Submitted));
    }

    [Fact]
    public async Task A_reply_that_waits_for_a_row_stays_where_no_other_device_has_one()
    {
        _devices["other/0"].Queued = 5_000;
        _device.Writer.TryWrite(Emission.Queued(3));
        await Next<QueuePosition>();
        await _time.Armed(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));
        await _time.Armed(TimeSpan.FromSeconds(1));
        Assert.False(_left.Task.IsCompleted);
    }

    [Fact]
    public async Task Held_text_is_released_300_ms_after_its_first_character_and_not_before()
    {
        Emit("</think>您");
        await _time.Armed(Held);
        _time.Advance(Gathered - Tick);
        Emit("好");
        // What is published after it tells that it has been taken. The wait goes on from the first character, not from the last.
        _device.Writer.TryWrite(Emission.Queued(1));
        await Next<QueuePosition>();
        _time.Advance(Held - Gathered);
        Assert.Equal(0, _answer.Pieces);
        _time.Advance(Tick);
        Assert.Equal("您好", (await Next<TextReleased>()).Text);

        // A Latin word may be the beginning of an address until it has ended.
        Emit(" there ");
        await _time.Armed(Held);
        _time.Advance(Held);
        Assert.Equal(" there ", (await Next<TextReleased>()).Text);
    }

    [Fact]
    public async Task Text_that_is_nearly_due_goes_with_tokens_that_come_together()
    {
        Emit("</think>您");
        await _time.Armed(Held);
        _time.Advance(Gathered);
        Emit("好");
        Assert.Equal("您好", (await Next<TextReleased>()).Text);
    }

    [Fact]
    public async Task What_could_become_a_forbidden_word_is_held_back_however_long_it_takes()
    {
        Emit("</think>So it is: ");
        Assert.Equal("So it is:", (await Next<TextReleased>()).Text);
        Emit("forbidden wo");
        _time.Advance(Held);
        Emit("n ");
        await _time.Armed(Held);
        Assert.Equal(1, _answer.Pieces);
        _time.Advance(Held);
        Assert.Equal(" forbidden won ", (await Next<TextReleased>()).Text);
    }

    [Fact]
    public async Task A_forbidden_word_ends_the_turn_and_gives_the_device_its_row_back()
    {
        Emit("</think>One. So it is: forbidden word and more");
        var ending = await _ending.WaitAsync(ScriptedSilo.Patience);
        Assert.Equal(Ending.Blocked, ending);
        await _left.Task.WaitAsync(ScriptedSilo.Patience);
        Assert.Equal("One. So it is:\nI'm sorry, I can't help with this. Please contact our staff.", _answer.Text);
    }

    [Fact]
    public async Task Punctuation_releases_without_any_time_passing()
    {
        Emit("</think>One. Two. ");
        Assert.Equal("One.", (await Next<TextReleased>()).Text);
        Assert.Equal(" Two.", (await Next<TextReleased>()).Text);
    }

    [Fact]
    public async Task Short_reasoning_is_reported_once()
    {
        Emit("abc");
        Assert.Equal(1, (await Next<ReasoningProgress>()).Tokens);
        Emit("</think>One. ");
        await Next<TextReleased>();
        Assert.False(_published.Reader.TryRead(out _));
    }

    [Fact]
    public async Task Long_reasoning_is_reported_every_second()
    {
        Emit("a");
        Assert.Equal(1, (await Next<ReasoningProgress>()).Tokens);
        for (var second = 1; second <= 3; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Emit("b");
            Assert.Equal(1 + second, (await Next<ReasoningProgress>()).Tokens);
        }
    }

    [Fact]
    public async Task The_deadline_interrupts_with_what_was_released()
    {
        Emit("</think>One. Two ");
        await Next<TextReleased>();
        await _time.Armed(Held);
        _time.Advance(ScriptedSilo.TurnTimeout);
        var ending = await _ending.WaitAsync(ScriptedSilo.Patience);
        Assert.Equal((Outcome.Interrupted, Reason.DeadlineExceeded), (ending.Outcome, ending.Failure!.Reason));
    }

    [Fact]
    public async Task Nothing_is_published_that_the_record_does_not_hold()
    {
        Emit("</think>One. Two. Three. ");
        for (var number = 1; number <= 3; number++)
        {
            var text = await Next<TextReleased>();
            var pieces = (await _record.FindTurnAsync(new("demo", "c"), 1))!.Pieces;
            Assert.Equal(text.Text, pieces[number - 1].Text);
        }
    }

    private void Emit(string text)
    {
        foreach (var id in text.Split("</think>").SelectMany((part, i) => (i == 0 ? [] : new[] { ScriptedModel.ThinkClose }).Concat(Encoding.UTF8.GetBytes(part).Select(b => (int)b))))
            _device.Writer.TryWrite(Emission.Token(id));
    }

    private async Task<T> Next<T>() where T : TurnEvent
    {
        while (true)
            if (await _published.Reader.ReadAsync().AsTask().WaitAsync(ScriptedSilo.Patience) is T found) return found;
    }
}
