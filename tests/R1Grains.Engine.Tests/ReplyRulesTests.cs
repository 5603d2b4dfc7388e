using System.Text;
using R1Grains.Engine.Tests.Scripted;

namespace R1Grains.Engine.Tests;

public sealed class ReplyRulesTests
{
    private static readonly Model Model = ScriptedModel.Create();
    private static readonly SamplingOptions Plain = new() { MaxTokens = 40 };

    [Fact]
    public void A_stop_id_ends_the_reply_and_counts()
    {
        var rules = new ReplyRules(Model, Plain);
        Assert.Equal([null, null, null, null, FinishReason.Stop], Ids("想", ScriptedModel.ThinkClose, ScriptedModel.End).Select(rules.Accept));
        Assert.Equal((5, 4), (rules.Count, rules.ReasoningCount));
    }

    [Fact]
    public void The_length_ends_the_reply()
    {
        var rules = new ReplyRules(Model, Plain with { MaxTokens = 3 });
        Assert.Equal([null, null, FinishReason.Length], Ids("abc").Select(rules.Accept));
    }

    [Fact]
    public void Reasoning_over_its_budget_is_closed_by_force_and_the_answer_goes_on()
    {
        var rules = new ReplyRules(Model, Plain with { ReasoningBudget = 2 });
        rules.Accept('a');
        Assert.Null(rules.Forced);
        rules.Accept('b');
        int[] forced = ['\n', ScriptedModel.ThinkClose, '\n', '\n'];
        foreach (var id in forced)
        {
            Assert.Equal(id, rules.Forced);
            Assert.Null(rules.Accept(id));
        }
        Assert.Null(rules.Forced);
        Assert.Equal(4, rules.ReasoningCount);
        Assert.Null(rules.Accept('x'));
        Assert.Equal(FinishReason.ReasoningBudget, rules.Accept(ScriptedModel.End));
    }

    [Fact]
    public void A_budget_of_zero_closes_the_reasoning_at_once()
    {
        var rules = new ReplyRules(Model, Plain with { ReasoningBudget = 0 });
        Assert.Equal('\n', rules.Forced);
    }

    [Fact]
    public void Reasoning_that_ends_in_time_is_not_touched()
    {
        var rules = new ReplyRules(Model, Plain with { ReasoningBudget = 3 });
        foreach (var id in Ids("ab", ScriptedModel.ThinkClose, "a long answer")) Assert.Null(rules.Accept(id));
        Assert.Null(rules.Forced);
        Assert.Equal(FinishReason.Stop, rules.Accept(ScriptedModel.End));
    }

    [Fact]
    public void A_stop_string_is_found_across_tokens_in_the_answer_but_not_in_the_reasoning()
    {
        var rules = new ReplyRules(Model, Plain with { StopStrings = ["再见", "zzz"] });
        foreach (var id in Ids("再见", ScriptedModel.ThinkClose, "好，再")) Assert.Null(rules.Accept(id));
        Assert.Equal([null, null, FinishReason.Stop], Ids("见").Select(rules.Accept));
        Assert.Equal("再见", rules.StopString);
    }

    [Fact]
    public void A_model_that_opens_its_reasoning_itself_is_followed()
    {
        var rules = new ReplyRules(ScriptedModel.Create(template: ScriptedModel.ChatMl), Plain with { StopStrings = ["x"] });
        foreach (var id in Ids(ScriptedModel.ThinkOpen, "x", ScriptedModel.ThinkClose)) Assert.Null(rules.Accept(id));
        Assert.Equal(3, rules.ReasoningCount);
        Assert.Equal(FinishReason.Stop, rules.Accept('x'));
    }

    [Fact]
    public void Thinking_again_counts_as_reasoning_and_holds_no_stop_string()
    {
        var rules = new ReplyRules(Model, Plain with { StopStrings = ["x"] });
        foreach (var id in Ids("ab", ScriptedModel.ThinkClose, "好", ScriptedModel.ThinkOpen, "x", ScriptedModel.ThinkClose)) Assert.Null(rules.Accept(id));
        Assert.Equal((9, 6), (rules.Count, rules.ReasoningCount));
        Assert.Equal(FinishReason.Stop, rules.Accept('x'));
    }

    [Fact]
    public void Blank_lines_before_the_thinking_do_not_hide_it()
    {
        var rules = new ReplyRules(ScriptedModel.Create(template: ScriptedModel.ChatMl), Plain with { StopStrings = ["x"] });
        foreach (var id in Ids("\n", ScriptedModel.ThinkOpen, "x", ScriptedModel.ThinkClose)) Assert.Null(rules.Accept(id));
        Assert.Equal(3, rules.ReasoningCount);
    }

    [Fact]
    public void One_budget_holds_for_all_the_reasoning_of_a_reply()
    {
        var rules = new ReplyRules(Model, Plain with { ReasoningBudget = 3 });
        foreach (var id in Ids("a", ScriptedModel.ThinkClose, "b")) Assert.Null(rules.Accept(id));
        Assert.Null(rules.Forced);
        for (var again = 0; again < 2; again++)
        {
            rules.Accept(ScriptedModel.ThinkOpen);
            foreach (var id in Ids("\n", ScriptedModel.ThinkClose, "\n\n"))
            {
                Assert.Equal(id, rules.Forced);
                Assert.Null(rules.Accept(id));
            }
            Assert.Null(rules.Forced);
        }
        Assert.Equal(FinishReason.ReasoningBudget, rules.Accept(ScriptedModel.End));
    }

    internal static IEnumerable<int> Ids(params object[] parts) =>
        parts.SelectMany(part => part is int id ? [id] : Encoding.UTF8.GetBytes((string)part).Select(b => (int)b));
}
