using R1Grains.Compliance;
using R1Grains.LoadTests.Filter;

namespace R1Grains.Tests.Compliance;

public sealed class LexiconTests
{
    private static readonly Lexicon Words = Lists.Of(LexiconAction.Mask, "内幕消息", "稳赚不赔", "insider tip", "ass", "see", "100倍收益", "爸爸");

    [Theory]
    [InlineData("我有内幕消息", "内幕消息")]
    [InlineData("我有內幕消息", "內幕消息")]
    [InlineData("内 * 幕-消.息", "内 * 幕-消.息")]
    [InlineData("稳赚赚赚不赔", "稳赚赚赚不赔")]
    [InlineData("INSIDER-TIP!", "INSIDER-TIP")]
    [InlineData("insiderrr tip", "insiderrr tip")]
    [InlineData("i n s i d e r t i p", "i n s i d e r t i p")]
    [InlineData("⑩0倍收益", "⑩0倍收益")]
    [InlineData("内，幕，消，息", "内，幕，消，息")]
    [InlineData("爸爸爸", "爸爸")]
    [InlineData("GPS，see", "see")]
    [InlineData("i.n.s.i.d.e.r.t.i.p", "i.n.s.i.d.e.r.t.i.p")]
    public void A_disguised_word_is_found(string text, string expected) => Assert.Equal([expected], Words.Find(text));

    [Theory]
    [InlineData("内部消息")]
    [InlineData("内----幕消息")]
    [InlineData("行业内幕，消息")]
    [InlineData("The class sat in the grass as seen.")]
    [InlineData("in sider tip")]
    [InlineData("insiderr tip")]
    [InlineData("insider. Tip")]
    [InlineData("1100倍收益")]
    [InlineData("爸")]
    [InlineData("内\ue123幕消息")]
    public void What_only_looks_like_a_word_is_not(string text) => Assert.Empty(Words.Find(text));

    [Fact]
    public void A_containing_white_hit_wins()
    {
        var lexicon = Lists.Of(LexiconAction.Block, "洗钱", "赌博", "cash", "!反洗钱", "!洗钱犯罪", "!cash advance");
        Assert.Empty(lexicon.Find("反洗钱"));
        Assert.Empty(lexicon.Find("打击洗 钱犯罪"));
        Assert.Empty(lexicon.Find("a cash advance fee"));
        Assert.Equal(["洗钱"], lexicon.Find("洗钱犯"));
        Assert.Equal(["cash"], lexicon.Find("cash advances"));
        Assert.Equal(["洗钱", "赌博"], lexicon.Find("反洗钱，洗钱，赌博"));
    }

    [Fact]
    public void Overlapping_words_are_all_found() => Assert.Equal(["中国人", "国人", "人民"], Lists.Of(LexiconAction.Mask, "中国人", "国人", "人民").Find("中国人民"));

    [Fact]
    public void An_entry_concerns_its_tenant_its_scope_and_its_days()
    {
        var rule = Lists.Rule(LexiconAction.Mask);
        var lexicon = Lexicon.Of(
        [
            new("甲乙", rule with { Tenant = "demo" }),
            new("丙丁", rule with { Scope = LexiconScope.Input }),
            new("戊己", rule with { Until = Lists.Today.AddDays(-1) }),
            new("庚辛", rule with { From = Lists.Today, Until = Lists.Today }),
        ]);
        Assert.Equal(["庚辛"], lexicon.Find("甲乙丙丁戊己庚辛"));
        Assert.Equal(["甲乙", "丙丁", "庚辛"], lexicon.Find("甲乙丙丁戊己庚辛", LexiconScope.Input, "demo"));
    }

    [Fact]
    public void The_version_is_of_the_contents_not_of_their_order()
    {
        var entries = GeneratedList.Of(50, seed: 1);
        var lexicon = Lexicon.Of(entries);
        Assert.Equal(lexicon.Version, Lexicon.Of([.. entries.AsEnumerable().Reverse(), entries[0]]).Version);
        Assert.NotEqual(lexicon.Version, Lexicon.Of(entries[1..]).Version);
        Assert.NotEqual(lexicon.Version, Lexicon.Of([.. entries[1..], entries[0] with { Rule = entries[0].Rule with { Level = 9 } }]).Version);
    }

    [Theory]
    [InlineData("，。", "it has no letter")]
    [InlineData("a----b", "more than 3 symbols in a row")]
    [InlineData("\ue123", "a character of no known kind")]
    public void What_can_never_be_found_is_refused(string text, string why) =>
        Assert.Contains(why, Assert.Throws<LexiconException>(() => Lists.Of(LexiconAction.Mask, text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_entry_of_a_long_list_is_found_as_it_is_written()
    {
        var entries = GeneratedList.Of(20_000, seed: 3);
        var lexicon = Lexicon.Of(entries);
        Assert.Equal(20_000, lexicon.Count);
        Assert.All(entries, entry => Assert.Contains(entry.Text, lexicon.Inspect($"，{entry.Text}。", LexiconScope.Input, null, Lists.Today).Hits.Select(hit => hit.Entry.Text)));
    }
}
