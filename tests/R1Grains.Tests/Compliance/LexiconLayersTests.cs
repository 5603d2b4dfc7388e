using R1Grains.Compliance;

namespace R1Grains.Tests.Compliance;

public sealed class LexiconLayersTests
{
    private static readonly DateOnly May = new(2026, 5, 1), June = new(2026, 6, 1), July = new(2026, 7, 1);

    /// <summary>Day by day and scope by scope against what the words mean: an upper entry, where one speaks, else the lower ones.</summary>
    [Fact]
    public void An_upper_entry_replaces_the_lower_ones_where_and_when_it_speaks()
    {
        var random = new Random(7);
        for (var i = 0; i < 3_000; i++)
        {
            LexiconEntry[] lower = [.. Entries(random, LexiconAction.Block)], upper = [.. Entries(random, LexiconAction.Mask)];
            var layered = Lexicon.Of(upper.Over(lower));
            foreach (var scope in new[] { LexiconScope.Input, LexiconScope.Output })
                for (var day = May.AddDays(-1); day <= July.AddDays(1); day = day.AddDays(random.Next(1, 20)))
                {
                    var speaks = upper.Where(entry => entry.Rule.Concerns(scope, null, day)).ToList();
                    var expected = (speaks.Count > 0 ? speaks : lower.Where(entry => entry.Rule.Concerns(scope, null, day))).Select(entry => entry.Rule.Action).Distinct();
                    var found = layered.Inspect("稳赚不赔", scope, null, day).Hits.Select(hit => hit.Entry.Rule.Action).Distinct();
                    Assert.Equal(expected, found);
                }
        }
    }

    [Fact]
    public void Another_spelling_is_the_same_word_and_other_words_stay()
    {
        LexiconEntry[] lower = [new("Acme Bank", Lists.Rule(LexiconAction.Block)), new("内幕消息", Lists.Rule(LexiconAction.Block))];
        LexiconEntry[] upper = [new("ａｃｍｅ　ｂａｎｋ", Lists.Rule(LexiconAction.Mask))];
        Assert.Equal(["ａｃｍｅ　ｂａｎｋ", "内幕消息"], upper.Over(lower).Select(entry => entry.Text));
    }

    /// <summary>The last day that a calendar has is how many write "for ever".</summary>
    [Fact]
    public void An_upper_entry_may_hold_from_the_first_day_of_all_to_the_last_one()
    {
        LexiconEntry[] lower = [new("稳赚不赔", Lists.Rule(LexiconAction.Block))];
        LexiconEntry[] ever = [new("稳赚不赔", Lists.Rule(LexiconAction.Mask) with { From = DateOnly.MinValue, Until = DateOnly.MaxValue })];
        LexiconEntry[] later = [new("稳赚不赔", Lists.Rule(LexiconAction.Mask) with { From = June, Until = DateOnly.MaxValue })];
        Assert.Equal(ever, ever.Over(lower));
        Assert.Equal([.. later, lower[0] with { Rule = lower[0].Rule with { Until = June.AddDays(-1) } }], later.Over(lower));
    }

    private static IEnumerable<LexiconEntry> Entries(Random random, LexiconAction action) =>
        Enumerable.Range(0, random.Next(3)).Select(_ => new LexiconEntry("稳赚不赔", new LexiconRule("test", random.Next(1, 9), action, (LexiconScope)random.Next(1, 4), null, Day(random), Day(random))));

    private static DateOnly? Day(Random random) => random.Next(4) switch { 0 => May.AddDays(random.Next(61)), 1 => June, _ => null };
}
