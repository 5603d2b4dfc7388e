using R1Grains.Conversations;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>One silo for all; each test has its own conversation, and opens the gate that others left.</summary>
public sealed class ConversationTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private ScriptedSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await Start(_folder.Path);

    public async Task DisposeAsync()
    {
        _silo.Runner.Gate = null;
        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_turn_is_accepted_answered_and_completed_with_all_it_owes()
    {
        var grain = await _silo.Open("c");
        var events = await grain.StreamTurn(Ask("r1", "What does the Ferry Card cost? say:It costs 3 yuan. Anything else?")).All();

        Assert.Equal(1, Assert.IsType<Accepted>(events[0]).Turn);
        Assert.Equal(["It costs 3 yuan.", " Anything else?"], events.OfType<TextReleased>().Select(text => text.Text));
        Assert.Equal([1, 2], events.OfType<TextReleased>().Select(text => text.Sequence));
        var completed = Assert.IsType<Completed>(events[^1]);
        Assert.Equal(FinishReason.Stop, completed.FinishReason);
        Assert.Equal(new R1Grains.Conversations.Usage(completed.Usage.PromptTokens, 4, "\n\nIt costs 3 yuan. Anything else?".Length + 1), completed.Usage);
        Assert.Equal(completed.Usage.PromptTokens, completed.Context.Policy + completed.Context.History + completed.Context.Passages + completed.Context.Input);
        Assert.True(completed.Context.Passages > 0);
        Assert.Equal(("scripted", "deepseek-r1", "3"), (completed.Release.Model, completed.Release.Template, completed.Release.PolicyVersion));

        var record = (await _silo.Record.FindTurnAsync(new("demo", "c"), 1))!;
        Assert.Equal((completed.Receipt.Index, completed.Receipt.LeafHash), (record.ClosedReceipt!.Index, record.ClosedReceipt.LeafHash.ToString()));
        Assert.Equal(("hm", "It costs 3 yuan. Anything else?", "The fee is 3 yuan."), (record.Closed!.Reasoning, record.Closed.Answer, Assert.Single(record.Opened.Passages).Text));
        Assert.Equal(completed.Usage.ReasoningTokens + completed.Usage.AnswerTokens, record.Pieces.Sum(piece => piece.TokenIds.Count));
        Assert.Empty(record.Closed.TrailingTokenIds);
    }

    [Fact]
    public async Task Later_turns_remember_earlier_ones_as_they_were_said()
    {
        var grain = await _silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:secret thought</think>First.")).All();
        await grain.StreamTurn(Ask("r2", "say:Second.")).All();
        var prompt = (await _silo.Record.ReadPromptAsync(new("demo", "c"), 2))!;
        var model = _silo.Service<R1Grains.Engine.Model>();
        var text = model.Tokenizer.Decode(prompt, showSpecials: true);
        Assert.Contains("<｜Assistant｜>First.<｜end▁of▁sentence｜><｜User｜>say:Second.<｜Assistant｜>", text);

        var window = await grain.GetContextWindow();
        Assert.Equal([("say:Second.", "Second.")], window.Turns.Where(turn => turn.Turn == 2).Select(turn => (turn.Input, turn.Answer)));
        Assert.Equal((2, 0), (window.Report.TurnsKept, window.Report.TurnsDropped));
        Assert.Equal("Be brief.", window.Policy);
    }

    [Fact]
    public async Task The_same_request_attaches_to_the_running_turn_and_replays_the_ended_one()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:One. Two. Three.")).Follow();
        await first.Until<Accepted>();
        await using var second = grain.StreamTurn(Ask("r1", "say:One. Two. Three.")).Follow();
        Assert.Equal(1, (await second.Until<Accepted>()).Turn);
        gate.Release(1_000);
        var events = await first.Rest();
        Assert.Equal("One. Two. Three.", events.Text());
        Assert.Equal(Events.Essence(events), Events.Essence(await second.Rest()));
        Assert.Equal(Events.Essence(events), Events.Essence(await grain.StreamTurn(Ask("r1", "say:One. Two. Three.")).All()));
        Assert.Equal(1, (await grain.Get()).TurnCount);
    }

    [Fact]
    public async Task The_same_id_with_another_payload_is_refused()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:One.")).Follow();
        await first.Until<Accepted>();
        Assert.Equal(Reason.RequestIdReused, (await grain.StreamTurn(Ask("r1", "say:Other.")).Refused()).Refusal.Reason);
        gate.Release(1_000);
        await first.Rest();
        var refusal = (await grain.StreamTurn(Ask("r1", "say:Other.")).Refused()).Refusal;
        Assert.Equal((Reason.RequestIdReused, "request_id", "en"), (refusal.Reason, refusal.Metadata![Refusal.FieldKey], refusal.Metadata[Refusal.LanguageKey]));
    }

    [Fact]
    public async Task Second_turn_waits_for_the_first_and_follows_it()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:First.")).Follow();
        await first.Until<Accepted>();
        await using var second = grain.StreamTurn(Ask("r2", "say:Second.")).Follow();
        var accepted = second.Until<Accepted>();
        gate.Release(1_000);
        Assert.Equal("First.", (await first.Rest()).Text());
        Assert.Equal(2, (await accepted).Turn);
        Assert.Equal("Second.", (await second.Rest()).Text());
        var (one, two) = ((await _silo.Record.FindTurnAsync(new("demo", "c"), 1))!, (await _silo.Record.FindTurnAsync(new("demo", "c"), 2))!);
        Assert.True(one.ClosedReceipt!.Index < two.OpenedReceipt.Index);
    }

    [Fact]
    public async Task Second_turn_is_refused_while_the_first_streams_if_it_asks_so()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:First.")).Follow();
        await first.Until<Accepted>();
        Assert.Equal(Reason.TurnInProgress, (await grain.StreamTurn(Ask("r2", "?", Concurrency.Reject)).Refused()).Refusal.Reason);
        gate.Release(1_000);
        await first.Rest();
        Assert.IsType<Completed>((await grain.StreamTurn(Ask("r2", "say:Now.", Concurrency.Reject)).All())[^1]);
    }

    [Fact]
    public async Task A_superseding_turn_cancels_the_running_and_the_waiting_ones_which_all_are_recorded()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:First.")).Follow();
        await first.Until<Accepted>();
        await using var second = grain.StreamTurn(Ask("r2", "say:Second.")).Follow();
        var waiting = second.Rest();
        await using var third = grain.StreamTurn(Ask("r3", "say:Third.", Concurrency.Supersede)).Follow();
        var superseding = third.Rest();
        gate.Release(1_000);

        Assert.Equal(FinishReason.Cancelled, Assert.IsType<Completed>((await first.Rest())[^1]).FinishReason);
        Assert.Equal(FinishReason.Cancelled, Assert.IsType<Completed>((await waiting)[^1]).FinishReason);
        Assert.Equal("Third.", (await superseding).Text());
        var turns = (await _silo.Record.ListTurnsAsync(new("demo", "c"), 10)).Items;
        Assert.Equal(
            [("r1", Outcome.Cancelled, "anna"), ("r2", Outcome.Cancelled, "anna"), ("r3", Outcome.Completed, null)],
            turns.Select(turn => (turn.Opened.RequestId, turn.Closed!.Outcome, turn.Closed.CancelledBy)));
    }

    [Fact]
    public async Task A_turn_whose_deadline_passes_while_it_waits_is_refused_and_its_request_id_stays_free()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:First.")).Follow();
        await first.Until<Accepted>();
        var deadline = TimeProvider.System.GetUtcNow() + TimeSpan.FromMilliseconds(200);
        var late = grain.StreamTurn(Ask("r2", "say:Second.", deadline: deadline)).Refused();
        // Whoever comes after it shows that it has arrived.
        while ((await grain.StreamTurn(Ask("r3", "?", expected: 99)).Refused()).Refusal.Metadata!["turn_index"] != "3" || TimeProvider.System.GetUtcNow() <= deadline) await Task.Yield();
        gate.Release(1_000);
        Assert.Equal(Reason.DeadlineTooShort, (await late).Refusal.Reason);
        await first.Rest();
        Assert.Equal("Second.", (await grain.StreamTurn(Ask("r2", "say:Second.")).All()).Text());
    }

    [Fact]
    public async Task Eight_turns_wait_and_the_next_is_refused()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r0", "say:0.")).Follow();
        await first.Until<Accepted>();
        var waiting = Enumerable.Range(1, TurnQueue.WaitingMax).Select(i => grain.StreamTurn(Ask($"r{i}", $"say:{i}.")).All()).ToList();
        // Waiting turns have no event; a call that is refused shows that they have arrived.
        while ((await grain.StreamTurn(Ask("r9", "?", expected: 99)).Refused()).Refusal.Metadata!["turn_index"] != "10") await Task.Yield();
        Assert.Equal(Reason.TurnQueueFull, (await grain.StreamTurn(Ask("r9", "?")).Refused()).Refusal.Reason);
        gate.Release(10_000);
        Assert.Equal(["1.", "2.", "3.", "4.", "5.", "6.", "7.", "8."], (await Task.WhenAll(waiting)).Select(events => events.Text()));
    }

    [Fact]
    public async Task Expected_index_is_held_to()
    {
        var grain = await _silo.Open("c");
        Assert.Equal(Reason.StaleTurnIndex, (await grain.StreamTurn(Ask("r1", "?", expected: 2)).Refused()).Refusal.Reason);
        await grain.StreamTurn(Ask("r1", "?", expected: 1)).All();
        var refusal = (await grain.StreamTurn(Ask("r2", "?", expected: 1)).Refused()).Refusal;
        Assert.Equal((Reason.StaleTurnIndex, "2"), (refusal.Reason, refusal.Metadata!["turn_index"]));
    }

    [Fact]
    public async Task An_input_too_long_is_refused_with_its_counts_and_supersedes_nothing()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var first = grain.StreamTurn(Ask("r1", "say:First.")).Follow();
        await first.Until<Accepted>();
        var refusal = (await grain.StreamTurn(Ask("r2", new('x', 7_000), Concurrency.Supersede)).Refused()).Refusal;
        Assert.Equal((Reason.InputTooLong, "7000"), (refusal.Reason, refusal.Metadata!["input_tokens"]));
        Assert.True(int.Parse(refusal.Metadata["limit_tokens"]) is > 6_000 and < 6_144);
        gate.Release(1_000);
        Assert.Equal("First.", (await first.Rest()).Text());
    }

    [Fact]
    public async Task A_cancelled_turn_keeps_what_was_released_and_nothing_more()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var reader = grain.StreamTurn(Ask("r1", "say:Released. And never released.")).Follow();
        await reader.Until<Accepted>();
        gate.Release(1 + "hm\n*\n\nReleased. An".Length);
        await reader.Until<TextReleased>();
        var view = await grain.CancelTurn(1, "bert");
        Assert.Equal((TurnState.Cancelled, "Released.", 1), (view.State, view.Output, view.LastSequence));
        Assert.Equal(FinishReason.Cancelled, Assert.IsType<Completed>((await reader.Rest())[^1]).FinishReason);
        var record = (await _silo.Record.FindTurnAsync(new("demo", "c"), 1))!;
        Assert.Equal("bert", record.Closed!.CancelledBy);
        Assert.Equal(view with { Completed = null }, await grain.CancelTurn(1, "carl") with { Completed = null });
        gate.Release(1_000);
    }

    [Fact]
    public async Task A_client_that_leaves_does_not_stop_its_turn()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        using (var leaving = new CancellationTokenSource())
        await using (var reader = grain.StreamTurn(Ask("r1", "say:Said to nobody."), leaving.Token).Follow())
        {
            await reader.Until<Accepted>();
            await leaving.CancelAsync();
        }
        gate.Release(1_000);
        Assert.Equal("Said to nobody.", (await grain.ResumeTurn(1, 0).All()).Text());
    }

    [Fact]
    public async Task A_resumed_stream_has_exactly_the_rest()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var reader = grain.StreamTurn(Ask("r1", "say:One. Two. Three.")).Follow();
        await reader.Until<Accepted>();
        gate.Release(1 + "hm\n*\n\nOne. ".Length);
        await reader.Until<TextReleased>();

        var resumed = grain.ResumeTurn(1, 1).All();
        Assert.Equal(Reason.SequenceOutOfRange, (await grain.ResumeTurn(1, 9).Refused()).Refusal.Reason);
        gate.Release(1_000);
        Assert.Equal(" Two. Three.", (await resumed).Text());
        Assert.Equal([2, 3], (await resumed).OfType<TextReleased>().Select(text => text.Sequence));
        await reader.Rest();

        Assert.Equal(Events.Essence(await resumed), Events.Essence(await grain.ResumeTurn(1, 1).All()));
        Assert.IsType<Completed>(Assert.Single(await grain.ResumeTurn(1, 3).All()));
        Assert.Equal(Reason.SequenceOutOfRange, (await grain.ResumeTurn(1, 4).Refused()).Refusal.Reason);
        Assert.Equal(Reason.TurnNotFound, (await grain.ResumeTurn(2, 0).Refused()).Refusal.Reason);
    }

    [Fact]
    public async Task A_failing_model_fails_the_turn_and_the_conversation_goes_on()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var reader = grain.StreamTurn(Ask("r1", "say:Beginning, then nothing.")).Follow();
        await reader.Until<Accepted>();
        gate.Release(1 + "hm\n*\n\nBeginning, ".Length);
        await reader.Until<TextReleased>();
        _silo.Runner.NextFault = new InvalidOperationException("device on fire");
        gate.Release(1_000);
        var failed = Assert.IsType<Failed>((await reader.Rest())[^1]);
        Assert.Equal(Reason.ModelUnavailable, failed.Refusal.Reason);
        Assert.Contains("device on fire", failed.Refusal.Detail);

        var view = await grain.GetTurn(1);
        Assert.Equal((TurnState.Failed, "Beginning,", Reason.ModelUnavailable), (view.State, view.Output, view.Failure!.Reason));
        Assert.Equal(Events.Essence(reader.Seen), Events.Essence(await grain.StreamTurn(Ask("r1", "say:Beginning, then nothing.")).All()));
        Assert.Equal("Again.", (await grain.StreamTurn(Ask("r2", "say:Again.")).All()).Text());
    }

    [Fact]
    public async Task A_device_whose_last_run_failed_takes_one_turn_at_a_time_until_a_run_succeeds()
    {
        _silo.Runner.NextFault = new InvalidOperationException("device on fire");
        Assert.IsType<Failed>((await (await _silo.Open("a")).StreamTurn(Ask("r1", "say:A.")).All())[^1]);
        var gate = _silo.Runner.Gate = new(0);
        await using var probe = (await _silo.Open("b")).StreamTurn(Ask("r1", "say:B.")).Follow();
        await probe.Until<Accepted>();
        var other = await _silo.Open("c");
        var refusal = (await other.StreamTurn(Ask("r1", "say:C.")).Refused()).Refusal;
        Assert.Equal(Reason.ModelUnavailable, refusal.Reason);
        Assert.Contains("device on fire", refusal.Detail);
        Assert.NotNull(refusal.RetryAfter);

        gate.Release(1_000);
        Assert.Equal("B.", (await probe.Rest()).Text());
        Assert.Equal("C.", (await other.StreamTurn(Ask("r1", "say:C.")).All()).Text());
    }

    [Fact]
    public async Task An_answer_without_text_is_a_failure_and_no_empty_bubble()
    {
        var grain = await _silo.Open("c");
        var events = await grain.StreamTurn(Ask("r1", "say:only thoughts</think>  \n")).All();
        Assert.Equal("the model ended without an answer", Assert.IsType<Failed>(events[^1]).Refusal.Detail);
    }

    [Fact]
    public async Task Running_turns_show_their_state_and_watchers_see_every_event()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        var watched = new List<WatchedEvent>();
        var watching = new TaskCompletionSource();
        var watch = Task.Run(async () =>
        {
            await foreach (var happened in grain.Watch())
            {
                watched.Add(happened);
                watching.TrySetResult();
            }
        });
        await watching.Task.WaitAsync(Patience);
        Assert.Equal(0, watched[0].Turn);
        Assert.IsType<Heartbeat>(watched[0].Event);

        await using var reader = grain.StreamTurn(Ask("r1", "say:thinking about it</think>One. Two.")).Follow();
        await reader.Until<Accepted>();
        gate.Release(8);
        Assert.True((await reader.Until<ReasoningProgress>()).Tokens > 0);
        Assert.Equal(TurnState.Running, (await grain.GetTurn(1)).State);
        gate.Release(1_000);
        var events = await reader.Rest();
        await grain.StreamTurn(Ask("r2", "say:Three.")).All();
        await grain.Complete("done", "anna");
        await watch.WaitAsync(Patience);
        Assert.Equal(Events.Essence(events), Events.Essence(watched.Where(happened => happened.Turn == 1).Select(happened => happened.Event)));
        Assert.Equal("Three.", watched.Where(happened => happened.Turn == 2).Select(happened => happened.Event).Text());
    }

    [Fact]
    public async Task A_full_model_refuses_before_anything_is_recorded_and_the_same_request_may_come_again()
    {
        await using var silo = await Start(Path.Combine(_folder.Path, "small"), rows: 1, queueLimit: 1);
        var gate = silo.Runner.Gate = new(0);
        var readers = new List<Events.Reader>();
        foreach (var name in new[] { "a", "b" })
        {
            var reader = (await silo.Open(name)).StreamTurn(Ask("r1", "say:One.")).Follow();
            await reader.Until<Accepted>();
            readers.Add(reader);
        }
        var full = await silo.Open("c");
        var refusal = (await full.StreamTurn(Ask("r1", "say:One.")).Refused()).Refusal;
        Assert.Equal(Reason.ModelQueueFull, refusal.Reason);
        Assert.True(refusal.RetryAfter >= TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await silo.Record.FindConversationAsync(new("demo", "c")))!.TurnCount);

        gate.Release(10_000);
        foreach (var reader in readers)
        {
            Assert.Equal("One.", (await reader.Rest()).Text());
            await reader.DisposeAsync();
        }
        Assert.Equal("One.", (await full.StreamTurn(Ask("r1", "say:One.")).All()).Text());
    }

    [Fact]
    public async Task Creating_replays_and_refuses_as_its_request_says()
    {
        var grain = _silo.Grain("c");
        Assert.Equal(Reason.ConversationNotFound, (await Assert.ThrowsAsync<RefusedException>(() => grain.Get())).Refusal.Reason);
        var created = await grain.Create(New("k1", "zh"));
        Assert.Equal(("demo", "c", "zh", false, 0), (created.Tenant, created.Conversation, created.LanguageCode, created.Completed, created.TurnCount));
        Assert.Equal(created.CreateTime, (await grain.Create(New("k1", "zh"))).CreateTime);
        Assert.Equal(Reason.ConversationExists, (await Assert.ThrowsAsync<RefusedException>(() => grain.Create(New("k2")))).Refusal.Reason);
        Assert.Equal("zh", (await grain.StreamTurn(Ask("r", "?", expected: 7)).Refused()).Refusal.Metadata![Refusal.LanguageKey]);
        Assert.Equal("7", (await grain.Get()).Labels["branch"]);
    }

    [Fact]
    public async Task A_completed_conversation_takes_no_turn_but_replays_them()
    {
        var grain = await _silo.Open("c");
        var gate = _silo.Runner.Gate = new(0);
        await using var reader = grain.StreamTurn(Ask("r1", "say:One.")).Follow();
        await reader.Until<Accepted>();
        Assert.Equal(Reason.TurnInProgress, (await Assert.ThrowsAsync<RefusedException>(() => grain.Complete("done", "anna"))).Refusal.Reason);
        gate.Release(1_000);
        await reader.Rest();
        Assert.True((await grain.Complete("done", "anna")).Completed);
        Assert.True((await grain.Complete("done", "anna")).Completed);
        Assert.Equal(Reason.ConversationCompleted, (await grain.StreamTurn(Ask("r2", "?")).Refused()).Refusal.Reason);
        Assert.Equal("One.", (await grain.StreamTurn(Ask("r1", "say:One.")).All()).Text());
    }

    [Fact]
    public async Task A_thousand_turns_with_two_hundred_retries_are_recorded_a_thousand_times()
    {
        const int conversations = 20, turns = 50;
        await Task.WhenAll(Enumerable.Range(0, conversations).Select(async c =>
        {
            var grain = await _silo.Open($"c{c}");
            for (var t = 0; t < turns; t++)
            {
                var ask = Ask($"r{t}", $"say:{c}.{t} is it.");
                // Every fifth is sent twice: half of them at the same time, half of them after the first broke off.
                var events = (t % 10) switch
                {
                    0 => (await Task.WhenAll(grain.StreamTurn(ask).All(), grain.StreamTurn(ask).All()))[c % 2],
                    5 => await Retried(grain, ask),
                    _ => await grain.StreamTurn(ask).All(),
                };
                Assert.Equal((t + 1, $"{c}.{t} is it."), (((Accepted)events[0]).Turn, events.Text()));
            }
        }));

        for (var c = 0; c < conversations; c++)
        {
            var recorded = (await _silo.Record.ListTurnsAsync(new("demo", $"c{c}"), 1_000)).Items;
            Assert.Equal(Enumerable.Range(0, turns).Select(t => $"r{t}"), recorded.Select(turn => turn.Opened.RequestId));
            Assert.All(recorded, turn => Assert.Equal(Outcome.Completed, turn.Closed?.Outcome));
        }
        var report = await RecordVerifier.VerifyAsync(Path.Combine(_folder.Path, "data"));
        Assert.True(report.Valid);
        Assert.Equal(conversations * turns, report.Turns);
    }

    private static async Task<List<TurnEvent>> Retried(IConversationGrain grain, UserTurn ask)
    {
        await using (var reader = grain.StreamTurn(ask).Follow()) await reader.Until<Accepted>();
        return await grain.StreamTurn(ask).All();
    }

}
