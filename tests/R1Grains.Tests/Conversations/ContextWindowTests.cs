using CsCheck;
using R1Grains.Conversations;
using R1Grains.Engine.Models;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;

namespace R1Grains.Tests.Conversations;

public sealed class ContextWindowTests
{
    private const string Policy = "Be brief.";

    private static readonly ChatTemplate DeepSeek = ScriptedModel.Create().Template;
    private static readonly ChatTemplate ChatMl = ScriptedModel.Create(template: ScriptedModel.ChatMl).Template;

    [Fact]
    public void Prompt_is_policy_whole_recent_turns_passages_and_input_in_this_order()
    {
        var window = new ContextWindow(DeepSeek, 2048, Policy);
        var fitted = window.Fit([window.Said(1, "hi", "hello")], [Passage("fee: 5")], "and?");
        Assert.Equal(
            DeepSeek.Render(
            [
                new(ChatRole.System, Policy),
                new(ChatRole.User, "hi"),
                new(ChatRole.Assistant, "hello"),
                new(ChatRole.User, "and?", ["fee: 5"]),
            ]),
            fitted.Prompt);
    }

    [Fact]
    public void Every_token_of_the_prompt_is_accounted_for_and_the_reserve_stays_free() =>
        Gen.Select(
            Gen.Bool.Select(deepSeek => deepSeek ? DeepSeek : ChatMl), Gen.Int[256, 6_000],
            Gen.Select(Gen.Int[1, 400], Gen.Int[1, 400]).Array[0, 60], Gen.Int[1, 500].Array[0, 4], Gen.Int[1, 300]).Sample((template, context, said, passages, input) =>
        {
            var window = new ContextWindow(template, context, Policy);
            var turns = said.Select((turn, i) => window.Said(i + 1, new('q', turn.Item1), new('a', turn.Item2))).ToList();
            var offered = passages.Select(length => Passage(new('p', length))).ToList();
            Fitted fitted;
            try
            {
                fitted = window.Fit(turns, offered, new('i', input));
            }
            catch (InputTooLongException tooLong)
            {
                Assert.True(tooLong.InputTokens > tooLong.LimitTokens);
                return;
            }

            var report = fitted.Report;
            Assert.Equal(fitted.Prompt.Length, report.Policy + report.History + report.Passages + report.Input);
            Assert.True(fitted.Prompt.Length + report.Reserved <= report.Window);
            Assert.Equal(turns.Count, report.TurnsKept + report.TurnsDropped);
            Assert.Equal(turns.Skip(report.TurnsDropped).Sum(turn => turn.Tokens), report.History);
            Assert.Equal(offered.Take(fitted.Passages.Count), fitted.Passages);
        }, iter: 2_000);

    [Fact]
    public void A_passage_that_finds_no_room_is_left_out_whole()
    {
        var window = new ContextWindow(DeepSeek, 400, Policy);
        var fitted = window.Fit([], [Passage(new('p', 100)), Passage(new('q', 300))], "?");
        Assert.Single(fitted.Passages);
    }

    [Fact]
    public void An_input_that_does_not_fit_alone_is_refused_with_both_counts()
    {
        var window = new ContextWindow(DeepSeek, 400, Policy);
        var limit = Assert.Throws<InputTooLongException>(() => window.Require(new('i', 10_000))).LimitTokens;
        Assert.Equal(limit, window.Require(new('i', limit)));
        var error = Assert.Throws<InputTooLongException>(() => window.Fit([], [], new('i', limit + 1)));
        Assert.Equal((limit + 1, limit), (error.InputTokens, error.LimitTokens));
    }

    [Fact]
    public void Eviction_moves_in_strides_so_that_the_prefix_stays_for_several_turns()
    {
        var window = new ContextWindow(DeepSeek, 4_096, Policy);
        var turns = new List<Exchange>();
        var starts = new List<int>();
        for (var turn = 1; turn <= 200; turn++)
        {
            turns.Add(window.Said(turn, new('q', 30), new('a', 60)));
            starts.Add(window.Fit(turns, [Passage("p")], "next").Report.TurnsDropped);
        }

        Assert.Equal(starts.Order(), starts);
        var runs = starts.Where(start => start > 0).GroupBy(start => start).Select(run => run.Count()).SkipLast(1).ToList();
        Assert.True(runs.Count > 10);
        Assert.All(runs, run => Assert.InRange(run, 4, 6));
    }

    [Fact]
    public void The_window_of_32K_is_kept_book_of()
    {
        var window = new ContextWindow(DeepSeek, 131_072, Policy);
        Assert.Equal((32_768, 8_192, 6_144), (window.Size, window.Reserve, window.ReasoningBudget));

        var turns = Enumerable.Range(1, 400).Select(turn => window.Said(turn, new('q', 100), new('a', 397))).ToList();
        Assert.All(turns, turn => Assert.Equal(500, turn.Tokens));
        var report = window.Fit(turns, [Passage(new('p', 5_000))], new('i', 2_000)).Report;
        // History has 15,360 at most; one stride of 3,840 less is the least.
        Assert.InRange(report.History, 15_360 - 3_840 - 500, 15_360);
        Assert.Equal(report.History / 500, report.TurnsKept);
        Assert.True(report.Policy + report.History + report.Passages + report.Input <= 32_768 - 8_192);
        Assert.Equal((2_000, 400), (report.Input, report.TurnsKept + report.TurnsDropped));
    }

    [Fact]
    public void Preview_keeps_what_the_next_turn_would()
    {
        var window = new ContextWindow(DeepSeek, 1_024, Policy);
        var turns = Enumerable.Range(1, 30).Select(turn => window.Said(turn, "question", "answer, quite a long one")).ToList();
        var (first, report) = window.Preview(turns);
        Assert.InRange(first, 1, 29);
        Assert.Equal(window.Fit(turns, [], "x").Report.TurnsDropped, first);
        Assert.Equal(30 - first, report.TurnsKept);
    }

    private static Passage Passage(string text) => new("facts.md#x", "r", text);
}
