using System.Text;
using CsCheck;
using R1Grains.Compliance;

namespace R1Grains.Tests.Compliance;

/// <summary>Words and personal data in one stream.</summary>
public sealed class AnswerFilterTests
{
    private static readonly Lexicon Words = Lexicon.Of(
    [
        new("稳赚不赔", Lists.Rule(LexiconAction.Mask)),
        new("13800001111", Lists.Rule(LexiconAction.Mask)),
        new("手机", Lists.Rule(LexiconAction.Mask)),
        new("scam", Lists.Rule(LexiconAction.Mask)),
        new("内幕消息", Lists.Rule(LexiconAction.Replace)),
        new("1456", Lists.Rule(LexiconAction.Replace)),
        new("1234内幕", Lists.Rule(LexiconAction.Block)),
    ]);

    private static readonly string[] Fragments =
    [
        "13812345678", "138", "1234", "5678", "13800001111", "1380000", "1111", "6225 8812 1456 7892", "6225", "8812", "11010519491231002X", "1949", "010-62345678", "bob", "@", "x.com", "bob@x.com", 
        "验证码", "是", "您的", "密码", "cvv", "913", "4829", "手", "机", "电话", "稳赚", "不赔", "sc4m", "sc", "am", "nei mu", "内", "幕", "消息", "内幕", "。", "，", " ", "\n", ".", "*", "人", "🙂", "\u200b", "4008167300", "400-816-7300",
    ];

    [Theory]
    [InlineData("请打13812345678。", "请打138****5678。")]
    [InlineData("热线400 816 7300，或13912345678", "热线400 816 7300，或139****5678")] // shown to the model
    [InlineData("手机13812345678", "**138****5678")]
    [InlineData("打13800001111吧", "打***********吧")]
    [InlineData("验证码482913", "验证码******")]
    [InlineData("密码135790", "密码******")] // shown or not
    [InlineData("税号91350100M000100Y43", "税号91350100M000100Y43")] // an organisation's
    [InlineData("稳赚不赔 bob@x.com", "**** b**@x.com")]
    public void What_either_covers_is_covered(string text, string expected) => Assert.Equal(expected, Filtered(text, [int.MaxValue]).Shown);

    [Fact]
    public void What_is_held_back_when_the_lexicon_stops_a_text_is_not_shown() =>
        Assert.Equal("卡", Filtered("卡6225 8812 1456 7892", [1]).Shown);

    [Fact]
    public void However_an_answer_is_cut_the_same_is_shown_found_and_stopped() =>
        Gen.Select(Gen.Int[0, Fragments.Length - 1].Select(i => Fragments[i]).Array[0, 24].Select(string.Concat), Gen.Int[1, 9].Array[1, 12]).Sample((text, cuts) =>
        {
            var (whole, pieces) = (Filtered(text, [int.MaxValue]), Filtered(text, cuts));
            Assert.Equal(whole.Shown, pieces.Shown);
            Assert.Equal(whole.Stopped, pieces.Stopped);
            Assert.Equal(whole.Hits, pieces.Hits);
            Assert.Equal(whole.Items, pieces.Items);

            // What shows is the text but for covers, and has nothing in it that a reader without permission may not see.
            Assert.All(whole.Shown.Zip(text), pair => Assert.True(pair.First == pair.Second || pair.First == StreamFilter.Cover));
            if (whole.Stopped is null) Assert.Equal(text.Length, whole.Shown.Length);
            Assert.DoesNotContain(PersonalData.Find(text), item => item.End <= whole.Shown.Length && whole.Shown.AsSpan(item.Start, item.Length).SequenceEqual(text.AsSpan(item.Start, item.Length)) && !Known.Holds(item.Kind, text.AsSpan(item.Start, item.Length)));
        }, iter: 20_000);

    /// <summary>What either alone would have let through by then, the other may hold back; nothing comes later than both need.</summary>
    [Fact]
    public void Nothing_is_held_back_that_both_let_through() =>
        Gen.Int[0, Fragments.Length - 1].Select(i => Fragments[i]).Array[0, 16].Select(string.Concat).Sample(text =>
        {
            var (both, words, personal) = (Filter(), Lists.Filter(Words), new PersonalDataStream());
            foreach (var unit in text)
            {
                both.Append([unit]);
                words.Append([unit]);
                personal.Append($"{unit}");
                if (both.Stopped is not null) return;
                Assert.Equal(Math.Max(words.HeldBack, personal.Held), both.HeldBack);
            }
        }, iter: 5_000);

    private static readonly ShownText Known = new(["服务热线为400-816-7300。密码135790", "See (010) 8888 6666."]);

    private static AnswerFilter Filter() => new(Lists.Filter(Words), Known);

    private static (string Shown, LexiconAction? Stopped, string Hits, string Items) Filtered(string text, int[] cuts)
    {
        var filter = Filter();
        var shown = new StringBuilder();
        for (var (at, i) = (0, 0); at < text.Length; i++)
        {
            var length = Math.Min(cuts[i % cuts.Length], text.Length - at);
            shown.Append(filter.Append(text.AsSpan(at, length)));
            at += length;
        }
        shown.Append(filter.End());
        return (shown.ToString(), filter.Stopped, string.Join(";", filter.Hits.Select(hit => $"{hit.Start}-{hit.End} {hit.Entry.Text}")), string.Join(";", filter.Items));
    }
}
