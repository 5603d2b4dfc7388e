using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using static R1Grains.Tests.Scripted.ScriptedSilo;

namespace R1Grains.Tests.Conversations;

/// <summary>What tells who a customer is: kept in the record, masked for everybody else; the model says what the customer tells it to.</summary>
public sealed class PersonalDataTurnTests : IDisposable
{
    private static readonly ConversationKey Key = new("demo", "c");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_customers_own_data_is_recorded_and_the_model_sees_it_masked_now_and_later()
    {
        const string Said = "I am at 13812345678, card 6225 8812 1456 7892";
        const string Masked = "I am at 138****5678, card **** **** **** 7892";
        await using (var silo = await Start(_folder.Path))
        {
            var grain = await silo.Open("c");
            var events = await grain.StreamTurn(Ask("r1", Said)).All();
            Assert.Equal($"You asked: {Masked}.", events.Text());
            Assert.Equal([("bank_card", 1), ("mobile_number", 1)], ((Completed)events[^1]).PersonalData.Select(counted => (counted.Key, counted.Value)));

            var record = (await silo.Record.FindTurnAsync(Key, 1))!;
            Assert.Equal(Said, record.Opened.Input);
            Assert.Equal([new(HitPlace.Input, 8, 19, "mobile_number"), new(HitPlace.Input, 26, 45, "bank_card")], record.Opened.PersonalData!);
            Assert.Empty(record.Closed!.PersonalData!);
            var view = await grain.GetTurn(1);
            Assert.Equal((Said, Masked), (view.Input, view.Masked));
            Assert.Equal(Masked, Assert.Single((await grain.GetContextWindow()).Turns).Input);

            await grain.StreamTurn(Ask("r2", "And now?")).All();
            await AssertPrompt(silo, 2);
        }
        await using (var silo = await Start(_folder.Path))
        {
            Assert.Equal(Masked, Assert.Single((await silo.Grain("c").GetContextWindow()).Turns, entry => entry.Turn == 1).Input);
            await silo.Grain("c").StreamTurn(Ask("r3", "And still?")).All();
            await AssertPrompt(silo, 3);
        }
        Assert.True((await RecordVerifier.VerifyAsync(Path.Combine(_folder.Path, "data"))).Valid);
    }

    [Fact]
    public async Task What_no_reader_sees_hides_no_number_and_reaches_no_model()
    {
        // Between the digits tags, a sign of direction, and a joiner; behind them an order in tags.
        const string Said = "card 6225\U000E0031\U000E0032\U000E0033\U000E0034 8812\u202e 1456\u200d 7892\U000E006F\U000E0062\U000E0065\U000E0079";
        await using var silo = await Start(_folder.Path);
        var grain = await silo.Open("c");
        var events = await grain.StreamTurn(Ask("r1", Said)).All();
        Assert.Equal("You asked: card **** **** **** 7892.", events.Text());
        var record = (await silo.Record.FindTurnAsync(Key, 1))!;
        Assert.Equal(Said, record.Opened.Input);
        var item = Assert.Single(record.Opened.PersonalData!);
        Assert.Equal(("bank_card", 5, Said.IndexOf("7892", StringComparison.Ordinal) + 4), (item.Kind, item.Start, item.End));
        Assert.Equal("card **** **** **** 7892", Assert.Single((await grain.GetContextWindow()).Turns).Input);
    }

    [Fact]
    public async Task A_code_that_nobody_may_keep_is_kept_nowhere()
    {
        const string Masked = "my CVV is ***, PIN ****, 验证码 ******";
        await using var silo = await Start(_folder.Path);
        var grain = await silo.Open("c");
        var events = await grain.StreamTurn(Ask("r1", "my CVV is 913, PIN 0420, 验证码 482913")).All();
        Assert.Equal($"You asked: {Masked}.", events.Text());
        Assert.Equal(["card_verification_value", "one_time_password", "pin"], ((Completed)events[^1]).PersonalData.Keys);
        var record = (await silo.Record.FindTurnAsync(Key, 1))!;
        Assert.Equal((Masked, 3), (record.Opened.Input, record.Opened.PersonalData!.Count));
        Assert.Equal(Masked, (await grain.GetTurn(1)).Input);

        // With another code it is the same request all the same: nobody could tell.
        Assert.Equal(Events.Essence(events), Events.Essence(await grain.StreamTurn(Ask("r1", "my CVV is 914, PIN 0420, 验证码 482913")).All()));
    }

    [Fact]
    public async Task What_the_model_was_not_shown_is_covered_in_answer_and_reasoning()
    {
        await using var silo = await Start(_folder.Path, scripted: model => new(model, Says("Call 13987654321?\n*\n\nCall 13987654321. Or write to bob@x.com.")));
        var grain = await silo.Open("c");
        var events = await grain.StreamTurn(Ask("r1", "Whom do I ask?")).All();
        Assert.Equal("Call 139****4321. Or write to b**@x.com.", events.Text());
        var closed = (await silo.Record.FindTurnAsync(Key, 1))!.Closed!;
        Assert.Equal((events.Text(), "Call 139****4321?"), (closed.Answer, closed.Reasoning));
        Assert.Equal(
            [new(HitPlace.Answer, 5, 16, "mobile_number"), new(HitPlace.Answer, 30, 39, "email"), new(HitPlace.Reasoning, 5, 16, "mobile_number")],
            closed.PersonalData!);
        Assert.Equal([("email", 1), ("mobile_number", 2)], ((Completed)events[^1]).PersonalData.Select(counted => (counted.Key, counted.Value)));
    }

    [Fact]
    public async Task The_banks_own_numbers_are_no_secret()
    {
        const string Answer = "Call 010-8888 6666, or 010-62345678.";
        await using var silo = await Start(_folder.Path, scripted: model => new(model, Says($"*{Answer}")), facts: "## Ferry Card\nThe hotline is (010) 88886666.\n");
        var grain = await silo.Open("c");
        Assert.Equal("Call 010-8888 6666, or 010-****5678.", (await grain.StreamTurn(Ask("r1", "What is the Ferry Card's number?")).All()).Text());
        // Later it stands in what was said.
        Assert.Equal("Call 010-8888 6666, or 010-****5678.", (await grain.StreamTurn(Ask("r2", "Once more!")).All()).Text());
    }

    /// <summary>Turns from before masks were recorded are looked at when they are read.</summary>
    [Fact]
    public void Of_an_older_turn_the_masks_are_found()
    {
        var opened = new TurnOpened
        {
            Key = Key, Turn = 1, Epoch = 1, RequestId = "r", PayloadHash = default, Time = default, Deadline = default, Caller = "", Input = "13812345678", LanguageCode = "en", Passages = [],
            Release = new("", default, "", "", default), Sampling = null!, Context = null!,
        };
        Assert.Equal("138****5678", RecordedItems.Masked(opened));
        Assert.Equal("13812345678", RecordedItems.Masked(opened with { PersonalData = [] }));
        Assert.Equal("1**********", RecordedItems.Masked(opened with { PersonalData = [new(HitPlace.Input, 1, 11, "of a later version")] }));
    }

    private static async Task AssertPrompt(ScriptedSilo silo, int turn)
    {
        var prompt = silo.Service<R1Grains.Engine.Model>().Tokenizer.Decode((await silo.Record.ReadPromptAsync(Key, turn))!, showSpecials: true);
        Assert.Contains("138****5678", prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("13812345678", prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("6225", prompt, StringComparison.Ordinal);
    }

    /// <summary>The same to everybody; * ends the reasoning.</summary>
    private static Func<IReadOnlyList<int>, int> Says(string reply)
    {
        int[] ids = [.. System.Text.Encoding.UTF8.GetBytes(reply).Select(value => value == '*' ? Engine.Tests.Scripted.ScriptedModel.ThinkClose : (int)value), Engine.Tests.Scripted.ScriptedModel.End];
        return prompt => ids[prompt.Count - 2 - LastOpen(prompt)];

        static int LastOpen(IReadOnlyList<int> prompt)
        {
            var at = prompt.Count - 1;
            while (prompt[at] != Engine.Tests.Scripted.ScriptedModel.ThinkOpen) at--;
            return at;
        }
    }
}
