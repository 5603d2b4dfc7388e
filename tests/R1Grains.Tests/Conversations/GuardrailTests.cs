using System.Diagnostics;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;
using R1Grains.Tests.Compliance;
using R1Grains.Tests.Scripted;
using Xunit.Abstractions;
using static R1Grains.Tests.Conversations.ReadTurns;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>Only checked text goes in and out; the model says what the customer tells it to.</summary>
public sealed class GuardrailTests(ITestOutputHelper output) : IDisposable
{
    private const string Words = "I'm sorry, I can't help with this. Please contact our staff.";

    private const string Listed = """
        [questions 9 block input]
        forbidden question
        [names 3 mask both]
        acme bank
        [promises 8 replace output]
        golden goose
        """;

    private const string Masked = "[names 3 mask output]\nacme bank";

    private static readonly ConversationKey Key = new("demo", "c");

    private readonly TemporaryFolder _folder = new();

    private string Data => Path.Combine(_folder.Path, "data");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("en", Words)]
    [InlineData("zh", "抱歉，这个问题我无法回答，请联系人工客服。")]
    public async Task A_blocked_input_never_reaches_the_device_and_is_recorded(string language, string words)
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var grain = await silo.Open("c", language);
            silo.Runner.Log.Clear();
            var events = await grain.StreamTurn(Ask("r1", "Is this a F-o-rbidden question?")).All();
            Assert.Equal([typeof(Accepted), typeof(TextReleased), typeof(Completed)], events.Where(happened => happened is not Heartbeat).Select(happened => happened.GetType()));
            Assert.Equal((words, FinishReason.Guardrail), (events.Text(), ((Completed)events[^1]).FinishReason));
            Assert.Empty(silo.Runner.Log);

            var record = (await silo.Record.FindTurnAsync(Key, 1))!;
            Assert.Equal((Outcome.Blocked, "GUARDRAIL", words, "Is this a F-o-rbidden question?"), (record.Closed!.Outcome, record.Closed.FinishReason, record.Closed.Answer, record.Opened.Input));
            Assert.Equal((HitPlace.Input, 10, 30, "questions", 9, HitAction.Block), Essence(Assert.Single(record.Opened.Hits)));
            Assert.Equal((record.Opened.Lexicon, (Digest?)null), (record.Closed.Lexicon, record.Opened.Numerics));
            Assert.Equal(record.Closed.Lexicon.ToString(), ((Completed)events[^1]).Release.Lexicon);

            // The same request again is told the same, and later turns know nothing of what was said.
            Assert.Equal(Events.Essence(events), Events.Essence(await grain.StreamTurn(Ask("r1", "Is this a F-o-rbidden question?")).All()));
            Assert.Equal((TurnState.Blocked, words), ((await grain.GetTurn(1)).State, (await grain.GetTurn(1)).Output));
            Assert.Equal("Hello.", (await grain.StreamTurn(Ask("r2", "say:Hello.")).All()).Text());
            Assert.Equal([2], (await grain.GetContextWindow()).Turns.Select(entry => entry.Turn));
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
            Assert.Equal([2], (await silo.Grain("c").GetContextWindow()).Turns.Select(entry => entry.Turn));
    }

    [Theory]
    [InlineData("A forb\U000E0041\U000E0042\U000E0043\U000E0044\U000E0045idden question?", 2, 30)]
    [InlineData("A for\u3164\u3164\u3164\u3164bid\u202eden que\ufe0fstion?", 2, 26)]
    public async Task A_word_that_hides_behind_what_no_reader_sees_is_found_in_its_place(string said, int start, int end)
    {
        await using var silo = await Start(_folder.Path, lexicon: Listed);
        var events = await (await silo.Open("c")).StreamTurn(Ask("r1", said)).All();
        Assert.Equal(Words, events.Text());
        Assert.Equal((HitPlace.Input, start, end, "questions", 9, HitAction.Block), Essence(Assert.Single((await silo.Record.FindTurnAsync(Key, 1))!.Opened.Hits)));
    }

    [Fact]
    public async Task What_is_to_be_masked_in_the_input_is_covered_for_the_model_now_and_later_and_recorded_as_it_came()
    {
        const string Covered = "What of ********* now?";
        await using (var silo = await Start(_folder.Path, lexicon: "[names 3 mask input]\nacme bank"))
        {
            var grain = await silo.Open("c");
            Assert.Equal($"You asked: {Covered}.", (await grain.StreamTurn(Ask("r1", "What of ACME bank now?")).All()).Text());
            var record = (await silo.Record.FindTurnAsync(Key, 1))!;
            Assert.Equal((Outcome.Completed, "What of ACME bank now?"), (record.Closed!.Outcome, record.Opened.Input));
            Assert.Equal((HitPlace.Input, 8, 17, "names", 3, HitAction.Mask), Essence(Assert.Single(record.Opened.Hits)));
            Assert.Equal(Covered, Assert.Single((await grain.GetContextWindow()).Turns).Input);
        }
        await using (var silo = await Start(_folder.Path))
            Assert.Equal(Covered, Assert.Single((await silo.Grain("c").GetContextWindow()).Turns).Input);
    }

    [Fact]
    public async Task A_masked_answer_is_the_one_that_the_record_holds()
    {
        await using var silo = await Start(_folder.Path, lexicon: Masked);
        var grain = await silo.Open("c");
        var events = await grain.StreamTurn(Ask("r1", "say:We like Acme ba-nk. Bye.")).All();
        var record = (await silo.Record.FindTurnAsync(Key, 1))!;
        Assert.Equal((HitPlace.Answer, 8, 18, "names", 3, HitAction.Mask), Essence(Assert.Single(record.Closed!.Hits)));
        Assert.Equal("We like **********. Bye.", events.Text());
        Assert.Equal((events.Text(), Outcome.Completed), (record.Closed.Answer, record.Closed.Outcome));
        Assert.Equal(events.OfType<TextReleased>().Select(text => text.Text), record.Pieces.Select(piece => piece.Text));
    }

    [Fact]
    public async Task A_forbidden_word_of_many_tokens_never_shows_and_the_rest_is_replaced()
    {
        await using (var silo = await Start(_folder.Path, lexicon: Listed))
        {
            var grain = await silo.Open("c");
            var events = await grain.StreamTurn(Ask("r1", "say:You may trust us. The golden goose lays. And so on.")).All();
            Assert.Equal(FinishReason.Guardrail, ((Completed)events[^1]).FinishReason);
            Assert.StartsWith("You may trust us.", events.Text(), StringComparison.Ordinal);
            Assert.EndsWith($"\n{Words}", events.Text(), StringComparison.Ordinal);
            Assert.DoesNotContain("go", events.Text(), StringComparison.Ordinal);
            var record = (await silo.Record.FindTurnAsync(Key, 1))!;
            Assert.Equal((Outcome.Blocked, events.Text()), (record.Closed!.Outcome, record.Closed.Answer));
            Assert.Equal((HitPlace.Answer, 22, 34, "promises", 8, HitAction.Replace), Essence(Assert.Single(record.Closed.Hits)));
            Assert.Equal((TurnState.Blocked, null), ((await grain.GetTurn(1)).State, (await grain.GetTurn(1)).Failure));
            Assert.Equal("Hello.", (await grain.StreamTurn(Ask("r2", "say:Hello.")).All()).Text());
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task What_is_found_in_the_reasoning_is_recorded_and_changes_nothing()
    {
        await using var silo = await Start(_folder.Path, lexicon: Listed);
        var grain = await silo.Open("c");
        Assert.Equal("Fine.", (await grain.StreamTurn(Ask("r1", "say:A golden goose?\n</think>\n\nFine.")).All()).Text());
        var closed = (await silo.Record.FindTurnAsync(Key, 1))!.Closed!;
        Assert.Equal((Outcome.Completed, "A golden goose?"), (closed.Outcome, closed.Reasoning));
        Assert.Equal((HitPlace.Reasoning, 2, 14, "promises", 8, HitAction.Replace), Essence(Assert.Single(closed.Hits)));
    }

    [Theory]
    [InlineData(Masked, "One. We like *********. Bye.", true)]
    [InlineData("[names 3 replace output]\nacme bank", $"One.\n{Words}", false)]
    [InlineData("# nothing", "One. We like acme bank. Bye.", false)]
    public async Task A_take_over_in_the_midst_of_held_back_text_goes_on_by_the_lexicon_that_is_there(string lexicon, string answer, bool isSame)
    {
        await using (var silo = await Start(_folder.Path, lexicon: Masked))
        {
            var gate = silo.Runner.Gate = new(0);
            var grain = await silo.Open("c");
            await using var reader = grain.StreamTurn(Ask("r1", "say:One. We like acme bank. Bye.")).Follow();
            await reader.Until<Accepted>();
            gate.Release(1 + "hm\n*\n\nOne. We like acme ban".Length);
            Assert.Equal("One.", (await reader.Until<TextReleased>()).Text);
        }
        await using (var silo = await Start(_folder.Path, lexicon: lexicon))
        {
            var record = await silo.Closed(Key, 1);
            // On a slow machine the clock has cut " We like " before the restart, and that stays.
            Assert.Equal(answer, record.Closed!.Answer.Replace($"One. We like \n{Words}", $"One.\n{Words}", StringComparison.Ordinal));
            Assert.Equal(isSame, record.Opened.Lexicon == record.Closed.Lexicon);
            Assert.Empty(silo.Alarms.Messages);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Data)).Valid);
    }

    [Fact]
    public async Task What_an_earlier_lexicon_released_stays_and_the_rest_is_filtered()
    {
        await using (var record = await SqliteRecord.OpenAsync(Data))
            await new OpenTurn(record, ScriptedModel.Create(8_192), TimeProvider.System).Write("say:At acme bank. At acme bank.", (Ids("hm\n*\n\nAt acme bank. At acme b"), "At acme bank."));
        await using var silo = await Start(_folder.Path, lexicon: Masked);
        Assert.Equal("At acme bank. At *********.", (await silo.Closed(Key, 1)).Closed!.Answer);
        Assert.Empty(silo.Alarms.Messages);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_blocked_turn_that_was_left_open_is_closed_without_any_device(bool isToldAlready)
    {
        (int[], string)[] told = isToldAlready ? [([], Words)] : [];
        await using (var record = await SqliteRecord.OpenAsync(Data))
            await new OpenTurn(record, ScriptedModel.Create(8_192), TimeProvider.System) { Hits = [new(HitPlace.Input, 0, 3, 1, "questions", 9, HitAction.Block)] }.Write("bad", told);
        await using var silo = await Start(_folder.Path);
        var turn = await silo.Closed(Key, 1);
        Assert.Equal((Outcome.Blocked, Words, 1), (turn.Closed!.Outcome, turn.Closed.Answer, turn.Pieces.Count));
        Assert.Empty(turn.Closed.ResumePoints);
        Assert.Empty(silo.Alarms.Messages);
    }

    [Fact]
    public async Task A_replaced_turn_that_lacked_only_its_close_is_closed()
    {
        await using (var record = await SqliteRecord.OpenAsync(Data))
            await new OpenTurn(record, ScriptedModel.Create(8_192), TimeProvider.System).Write("say:One. A golden goose.", (Ids("hm\n*\n\nOne. "), "One."), (Ids("A golden goose."), $"\n{Words}"));
        // The word may be out of the list by now.
        await using var silo = await Start(_folder.Path);
        var turn = await silo.Closed(Key, 1);
        Assert.Equal((Outcome.Blocked, "GUARDRAIL", $"One.\n{Words}", 2), (turn.Closed!.Outcome, turn.Closed.FinishReason, turn.Closed.Answer, turn.Pieces.Count));
        Assert.Empty(silo.Alarms.Messages);
    }

    [Fact]
    public void The_whole_way_of_a_turn_through_the_lexicon_takes_a_few_milliseconds_at_most()
    {
        var guardrail = new Guardrail(Lists.Shipped(), "demo", Lists.Today, "zh");
        var input = string.Concat(Enumerable.Repeat("请问青穗信用卡的年费是多少？Ferry Card too? ", 6));
        var reasoning = string.Concat(Enumerable.Repeat("客户问年费，文件里写着一百八十元。The document names the fee. ", 25));
        var answer = string.Concat(Enumerable.Repeat("您好，青穗信用卡的年费为180元。The fee is 180 yuan a year. ", 10));
        var took = new List<double>();
        for (var turn = 0; turn < 300; turn++)
        {
            var began = Stopwatch.GetTimestamp();
            guardrail.Input(input);
            var filter = guardrail.Filter();
            // A token is about two characters.
            for (var at = 0; at < answer.Length; at += 2) filter.Append(answer.AsSpan(at, Math.Min(2, answer.Length - at)));
            filter.End();
            guardrail.Reasoning(reasoning);
            took.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            Assert.Empty(filter.Hits);
        }
        took.Sort();
        output.WriteLine($"{input.Length} characters of input, {answer.Length} of answer, {reasoning.Length} of reasoning: best {took[0]:0.000} ms, p50 {took[150]:0.000} ms, p99 {took[297]:0.000} ms a turn");
        // Whatever runs beside it makes some turns slower, and nothing makes any faster than the code is. Half a millisecond on
        // cores of its own; on busy ones the load tests tell, a gate only finds what costs several times as much.
        Assert.InRange(took[0], 0, 3);
    }

    private static (HitPlace, int, int, string, int, HitAction) Essence(LexiconHit hit) => (hit.Place, hit.Start, hit.End, hit.Category, hit.Level, hit.Action);
}
