using R1Grains.Compliance;

namespace R1Grains.Tests.Compliance;

public sealed class OtherReadingTests
{
    private static readonly Lexicon Words = Lists.Of(LexiconAction.Mask, "内幕消息", "赌博", "我们", "嫦娥", "银行卡", "insider tip", "guaranteed returns", "scam");

    [Theory]
    [InlineData("想要neimu xiaoxi吗", "neimu xiaoxi")]
    [InlineData("NEI MU XIAO XI", "NEI MU XIAO XI")]
    [InlineData("nèi mù xiāo xī", "nèi mù xiāo xī")]
    [InlineData("nei4mu4xiao1xi1", "nei4mu4xiao1xi1")]
    [InlineData("内mu消xi", "内mu消xi")]
    [InlineData("去 dubo 吧", "dubo")]
    [InlineData("wo xiang dubo", "dubo")]
    [InlineData("卖 yin hang ka", "yin hang ka")]
    public void Pinyin_is_found(string text, string expected) => Assert.Equal([expected], Words.Find(text));

    [Theory]
    [InlineData("Women can change their card")]
    [InlineData("那mu消xi")]
    [InlineData("neimuxiaoxin")]
    [InlineData("xneimuxiaoxi")]
    [InlineData("nei mu, xiao xi")]
    public void What_is_pinyin_by_accident_is_not(string text) => Assert.Empty(Words.Find(text));

    [Theory]
    [InlineData("1n51der t!p", "1n51der t!p")]
    [InlineData("a $cam.", "$cam")]
    [InlineData("Gu4r4nteed r3turn5!", "Gu4r4nteed r3turn5")]
    public void Leet_is_found(string text, string expected) => Assert.Equal([expected], Words.Find(text));

    [Theory]
    [InlineData("5c@4m")]
    [InlineData("$cams")]
    [InlineData("A5CAM1")]
    public void What_is_a_code_is_not(string text) => Assert.Empty(Words.Find(text));

    [Fact]
    public void A_stream_shows_them_at_the_end_of_the_sentence()
    {
        var filter = Lists.Of(LexiconAction.Replace, "内幕消息").Filter();
        var shown = filter.Append("有 nei mu xiao xi，").ToString();
        Assert.Null(filter.Stopped);
        shown += filter.Append("要吗？好的").ToString() + filter.End().ToString();
        Assert.Equal(LexiconAction.Replace, filter.Stopped);
        Assert.Equal("有 nei mu xiao xi，要吗", shown);
    }

    [Fact]
    public void Letters_without_end_take_no_time()
    {
        var filter = Words.Filter();
        filter.Append(string.Concat(Enumerable.Repeat("anananan", 20_000)));
        filter.End();
        Assert.Empty(filter.Hits);
    }
}
