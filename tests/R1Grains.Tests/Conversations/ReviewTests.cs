using System.Security.Cryptography;
using System.Text;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Tests.Compliance;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Conversations.ReadTurns;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>What waits for a person waits, is in their list, and comes to the customer once they have decided.</summary>
public sealed class ReviewTests : IDisposable
{
    private const string Notice = "A member of our staff will look at this and reply to you here.";
    private const string Discarded = "Our staff have looked at this, and we can't help with it here. Please contact our staff.";
    private const string Words = "I'm sorry, I can't help with this. Please contact our staff.";

    private const string Listed = """
        [questions 7 review input]
        delicate question
        [promises 8 review output]
        golden goose
        [names 3 mask output]
        acme bank
        """;

    private const string Answer = "You may trust us. The golden goose of acme bank lays. And so on.";

    private static readonly ConversationKey Key = new("demo", "c");

    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "data");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_held_question_reaches_no_device_until_a_person_releases_it()
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var grain = await silo.Open("c");
            silo.Runner.Log.Clear();
            var events = await grain.StreamTurn(Ask("r1", "A delicate question?")).All();
            Assert.Equal((Notice, FinishReason.Review), (events.Text(), ((Completed)events[^1]).FinishReason));
            Assert.Empty(silo.Runner.Log);
            Assert.Equal((TurnState.Held, null), ((await grain.GetTurn(1)).State, (await grain.GetTurn(1)).Failure));
            Assert.Null((await silo.Record.FindTurnAsync(Key, 1))!.Closed!.Held);
            var held = Assert.Single((await silo.Service<HeldTurns>().List("demo", decided: false, 10, null)).Turns);
            Assert.Equal((Key, 1, HitPlace.Input, null), (held.Key, held.Turn, held.Place, held.Decision));
            Assert.Equal(["questions"], held.Categories);
            Assert.Empty((await grain.GetContextWindow()).Turns);

            var released = await grain.StreamTurn(Decide(1, releases: true)).All();
            Assert.Equal(("You asked: A delicate question?.", FinishReason.Stop), (released.Text(), ((Completed)released[^1]).FinishReason));
            var record = (await silo.Record.FindTurnAsync(Key, 2))!;
            Assert.Equal(("release of turn 1", "A delicate question?", "sue"), (record.Opened.RequestId, record.Opened.Input, record.Opened.Caller));
            Assert.Empty(record.Opened.Hits);
            // Once is once.
            Assert.Equal(Events.Essence(released), Events.Essence(await grain.StreamTurn(Decide(1, releases: true)).All()));
            Assert.Equal([2], (await grain.GetContextWindow()).Turns.Select(entry => entry.Turn));
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task A_held_answer_is_gathered_whole_and_comes_once_it_is_released()
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var grain = await silo.Open("c");
            var events = await grain.StreamTurn(Ask("r1", $"say:{Answer}")).All();
            Assert.Equal(($"You may trust us.\n{Notice}", FinishReason.Review), (events.Text().Replace(" The ", "", StringComparison.Ordinal), ((Completed)events[^1]).FinishReason));
            var closed = (await silo.Record.FindTurnAsync(Key, 1))!.Closed!;
            Assert.Equal((Outcome.Blocked, "REVIEW", Answer, events.Text()), (closed.Outcome, closed.FinishReason, closed.Held, closed.Answer));
            Assert.Equal(HitPlace.Answer, Assert.Single((await silo.Service<HeldTurns>().List("demo", decided: false, 10, null)).Turns).Place);

            silo.Runner.Log.Clear();
            var released = await grain.StreamTurn(Decide(1, releases: true)).All();
            Assert.Equal((Answer.Replace("acme bank", "*********", StringComparison.Ordinal), FinishReason.Stop), (released.Text(), ((Completed)released[^1]).FinishReason));
            Assert.Empty(silo.Runner.Log);
            Assert.Equal((TurnState.Completed, $"say:{Answer}"), ((await grain.GetTurn(2)).State, (await grain.GetTurn(2)).Input));
            Assert.Equal([2], (await grain.GetContextWindow()).Turns.Select(entry => entry.Turn));
            Assert.Equal("Bye.", (await grain.StreamTurn(Ask("r3", "say:Bye.")).All()).Text());
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
            Assert.Equal([2, 3], (await silo.Grain("c").GetContextWindow()).Turns.Select(entry => entry.Turn));
    }

    [Theory]
    [InlineData("A delicate question?")]
    [InlineData($"say:{Answer}")]
    public async Task What_is_discarded_is_told_so_and_forgotten(string input)
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var grain = await silo.Open("c");
            await grain.StreamTurn(Ask("r1", input)).All();
            silo.Runner.Log.Clear();
            var discarded = await grain.StreamTurn(Decide(1, releases: false)).All();
            Assert.Equal((Discarded, FinishReason.Guardrail), (discarded.Text(), ((Completed)discarded[^1]).FinishReason));
            Assert.Empty(silo.Runner.Log);
            Assert.Empty((await grain.GetContextWindow()).Turns);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task What_is_forbidden_by_now_is_not_released()
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
            await (await silo.Open("c")).StreamTurn(Ask("r1", $"say:{Answer}")).All();
        await using (var silo = await Start(_folder.Path, lexicon: "[promises 8 review output]\ngolden goose\n[promises 9 replace output]\ntrust us"))
        {
            var released = await silo.Grain("c").StreamTurn(Decide(1, releases: true)).All();
            Assert.Equal((Words, FinishReason.Guardrail), (released.Text(), ((Completed)released[^1]).FinishReason));
            Assert.Contains((await silo.Record.FindTurnAsync(Key, 2))!.Closed!.Hits, hit => hit is { Place: HitPlace.Answer, Action: HitAction.Replace });
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public void What_is_released_has_no_personal_data_that_the_model_was_not_shown()
    {
        var guardrail = new Guardrail(Lists.Of(LexiconAction.Review, "golden goose"), "demo", Lists.Today, "en") { Shown = new(["Our hotline is 95588000."]) };
        var released = guardrail.Released("The golden goose has 13812345678.");
        Assert.DoesNotContain("13812345678", released.Text, StringComparison.Ordinal);
        Assert.Equal(Ending.Completed(FinishReason.Stop), released.Ending);
        Assert.Equal("mobile_number", Assert.Single(released.Found!.Value.Items).Kind);
    }

    [Fact]
    public async Task A_conversation_in_which_something_waits_does_not_end_by_silence()
    {
        await using var silo = await Start(_folder.Path, lexicon: Listed);
        foreach (var (conversation, input) in new[] { ("c", "A delicate question?"), ("b", "say:Hello.") })
        {
            var grain = await silo.Open(conversation, idleTimeout: TimeSpan.FromMilliseconds(1));
            await grain.StreamTurn(Ask("r1", input)).All();
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
            await grain.Attend();
        }
        Assert.Null((await silo.Record.FindConversationAsync(Key))!.Completed);
        Assert.NotNull((await silo.Record.FindConversationAsync(new("demo", "b")))!.Completed);
        await silo.Service<HeldTurns>().Decide(Key, new(1, Releases: false), "sue", "", TimeProvider.System.GetUtcNow());
        // Nor before the decision is told.
        await silo.Grain("c").Attend();
        Assert.Null((await silo.Record.FindConversationAsync(Key))!.Completed);
        await Attendant(silo).Attend();
        await silo.Closed(Key, 2);
        await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        await silo.Grain("c").Attend();
        Assert.NotNull((await silo.Record.FindConversationAsync(Key))!.Completed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_decision_whose_teller_died_is_told_by_the_attendant_and_once(bool releases)
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            await (await silo.Open("c")).StreamTurn(Ask("r1", $"say:{Answer}")).All();
            await silo.Service<HeldTurns>().Decide(Key, new(1, releases), "sue", "looked at", TimeProvider.System.GetUtcNow());
        }
        // The next process attends when it starts.
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            await Attendant(silo).Attend();
            var told = await silo.Closed(Key, 2);
            Assert.Equal((new Review(1, releases).RequestId, "sue", releases ? Answer.Replace("acme bank", "*********", StringComparison.Ordinal) : Discarded), (told.Opened.RequestId, told.Opened.Caller, told.Closed!.Answer));
            Assert.Empty((await silo.Service<HeldTurns>().ListUntold(0)).Turns);
            await Attendant(silo).Attend();
            Assert.Null(await silo.Record.FindTurnAsync(Key, 3));
            Assert.Empty(silo.Alarms.Messages);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task A_decision_is_told_whoever_cancels()
    {
        await using var silo = await Start(_folder.Path, lexicon: Listed);
        var grain = await silo.Open("c");
        await grain.StreamTurn(Ask("r1", "A delicate question?")).All();
        var gate = silo.Runner.Gate = new(0);
        await using var released = grain.StreamTurn(Decide(1, releases: true)).Follow();
        await released.Until<Accepted>();
        await using var next = grain.StreamTurn(Ask("r2", "say:Next.", Concurrency.Supersede)).Follow();
        gate.Release(1_000);
        Assert.Equal("You asked: A delicate question?.", (await released.Rest()).Text());
        Assert.Equal("Next.", (await next.Rest()).Text());
    }

    [Fact]
    public async Task What_does_not_wait_cannot_be_decided()
    {
        await using var silo = await Start(_folder.Path, lexicon: Listed);
        var grain = await silo.Open("c");
        await grain.StreamTurn(Ask("r1", "say:Hello.")).All();
        foreach (var turn in new[] { 1, 7 })
            Assert.Equal(Reason.HeldTurnNotFound, (await grain.StreamTurn(Decide(turn, releases: true)).Refused()).Refusal.Reason);
        Assert.Equal("Bye.", (await grain.StreamTurn(Ask("r2", "say:Bye.")).All()).Text());
    }

    [Fact]
    public async Task An_answer_that_is_gathered_goes_on_after_a_take_over_and_is_listed_once()
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var gate = silo.Runner.Gate = new(0);
            var grain = await silo.Open("c");
            await using var reader = grain.StreamTurn(Ask("r1", $"say:{Answer}")).Follow();
            await reader.Until<Accepted>();
            gate.Release(1 + "hm\n*\n\nYou may trust us. The golden goose of ac".Length);
            Assert.Equal("You may trust us.", (await reader.Until<TextReleased>()).Text);
        }
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var closed = (await silo.Closed(Key, 1)).Closed!;
            Assert.Equal(("REVIEW", Answer), (closed.FinishReason, closed.Held));
            Assert.Single((await silo.Service<HeldTurns>().List("demo", decided: false, 10, null)).Turns);
            Assert.Empty(silo.Alarms.Messages);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task A_held_turn_that_lacked_only_its_close_is_closed_whatever_the_list_says_by_now()
    {
        await using (var record = await SqliteRecord.OpenAsync(Data))
            await new OpenTurn(record, ScriptedModel.Create(8_192), TimeProvider.System).Write("say:One. A golden goose.", (Ids("hm\n*\n\nOne. "), "One."), (Ids("A golden goose."), $"\n{Notice}"));
        await using var silo = await Start(_folder.Path);
        var turn = await silo.Closed(Key, 1);
        Assert.Equal(("REVIEW", "One. A golden goose.", 2), (turn.Closed!.FinishReason, turn.Closed.Held, turn.Pieces.Count));
        Assert.Single((await silo.Service<HeldTurns>().List("demo", decided: false, 10, null)).Turns);
        Assert.Empty(silo.Alarms.Messages);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public async Task A_decision_that_was_left_open_is_told_once(bool isTold, bool releases)
    {
        var text = releases ? Answer.Replace("acme bank", "*********", StringComparison.Ordinal) : Discarded;
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
            await (await silo.Open("c")).StreamTurn(Ask("r1", $"say:{Answer}")).All();
        await using (var record = await SqliteRecord.OpenAsync(Data))
        {
            var taken = (await record.TakeOverAsync(Key))!;
            var before = taken.Turns.Single().Opened;
            await record.AppendAsync(before with { Turn = 2, Epoch = taken.Epoch, RequestId = new Review(1, releases).RequestId, Caller = "sue", Deadline = TimeProvider.System.GetUtcNow() + TurnTimeout }, Array.Empty<int>());
            if (isTold) await record.AppendAsync(new Piece { Key = Key, Turn = 2, Number = 1, Epoch = taken.Epoch, Time = before.Time, TokenIds = [], Text = text });
        }
        await using (var silo = await Start(_folder.Path, lexicon: isTold ? "[promises 9 replace output]\ntrust us" : Listed))
        {
            var turn = await silo.Closed(Key, 2);
            Assert.Equal((text, releases ? Outcome.Completed : Outcome.Blocked, 1), (turn.Closed!.Answer, turn.Closed.Outcome, turn.Pieces.Count));
            Assert.Empty(silo.Alarms.Messages);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task A_running_turn_keeps_its_lexicon_and_the_next_one_has_what_was_published_meanwhile()
    {
        await using var silo = await Start(_folder.Path);
        var gate = silo.Runner.Gate = new(0);
        var grain = await silo.Open("c");
        await using var reader = grain.StreamTurn(Ask("r1", "say:One. A new word. Bye.")).Follow();
        await reader.Until<Accepted>();
        gate.Release(1 + "hm\n*\n\nOne. A".Length);
        await reader.Until<TextReleased>();

        await Publish(silo, "new word", 1);
        gate.Release(100_000);
        Assert.Equal("One. A new word. Bye.", (await reader.Rest()).Text());
        Assert.Equal("One. A ********. Bye.", (await grain.StreamTurn(Ask("r2", "say:One. A new word. Bye.")).All()).Text());
        var (first, second) = ((await silo.Record.FindTurnAsync(Key, 1))!, (await silo.Record.FindTurnAsync(Key, 2))!);
        Assert.Equal(first.Opened.Lexicon, first.Closed!.Lexicon);
        Assert.Equal(second.Opened.Lexicon, second.Closed!.Lexicon);
        Assert.NotEqual(first.Opened.Lexicon, second.Opened.Lexicon);
    }

    [Fact]
    public async Task What_was_published_is_in_force_from_the_first_turn_of_a_new_process_on()
    {
        await using (var silo = await Start(_folder.Path)) await Publish(silo, "new word", 1);
        await using (var silo = await Start(_folder.Path))
            Assert.Equal("A ********.", (await (await silo.Open("c")).StreamTurn(Ask("r1", "say:A new word.")).All()).Text());
    }

    [Fact]
    public async Task An_entry_begins_and_ends_with_its_days_without_a_restart()
    {
        var time = new MovedTime();
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        await using var silo = await Start(_folder.Path, time, lexicon: $"[names 3 mask output]\nnew word | from={today.AddDays(1):O} until={today.AddDays(1):O}");
        Assert.Equal("A new word.", (await (await silo.Open("a")).StreamTurn(Ask("r1", "say:A new word.")).All()).Text());
        time.By = TimeSpan.FromDays(1);
        Assert.Equal("A ********.", (await (await silo.Open("b")).StreamTurn(Ask("r1", "say:A new word.")).All()).Text());
        time.By = TimeSpan.FromDays(2);
        Assert.Equal("A new word.", (await (await silo.Open("d")).StreamTurn(Ask("r1", "say:A new word.")).All()).Text());
    }

    private static IAttendantGrain Attendant(ScriptedSilo silo) => silo.Service<IGrainFactory>().GetGrain<IAttendantGrain>(AttendantGrain.Key);

    private static async Task Publish(ScriptedSilo silo, string word, int number)
    {
        var editions = silo.Service<Editions>();
        await silo.Service<WordLists>().Create("demo", "names", "", [new(word, new("names", 3, LexiconAction.Mask))], new("anna", "1", ""));
        var proposed = await editions.Propose("demo", null, "test", "anna", "1");
        await editions.Approve("demo", proposed.Proposal.Id, $"{proposed.Proposal.PayloadHash}", "ben", "");
        using var impatience = new CancellationTokenSource(Patience);
        while (silo.Service<TenantLexicons>().InForce("demo").Edition?.Number != number) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, impatience.Token);
    }

    private static UserTurn Decide(int turn, bool releases)
    {
        var review = new Review(turn, releases);
        return new(review.RequestId, SHA256.HashData(Encoding.UTF8.GetBytes(review.RequestId)), "", Concurrency.Queue, null, "sue", null) { Review = review };
    }

    /// <summary>The clock, set forward.</summary>
    private sealed class MovedTime : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;
    }
}
