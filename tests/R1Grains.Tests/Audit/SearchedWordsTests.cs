using CsCheck;
using R1Grains.Audit;
using R1Grains.Conversations;

namespace R1Grains.Tests.Audit;

public sealed class SearchedWordsTests
{
    private const string Text = "我的信用卡年费是多少？Late fees of the ＥＴＦ基金 are 1.35%; the café's fee is waived.";

    [Theory]
    [InlineData("费", "费")]
    [InlineData("年费", "年费")]
    [InlineData("信用卡年费", "信用卡年费")]
    [InlineData("貸", null)]
    [InlineData("信用 多少", "信用|多少")]
    [InlineData("多少 信用", "信用|多少")]
    [InlineData("信用 利率", null)]
    [InlineData("信用多少", null)]
    [InlineData("fees", "fees")]
    [InlineData("FEE", "fee")]
    [InlineData("fee*", "fees|fee")]
    [InlineData("ee", null)]
    [InlineData("late fees", "Late|fees")]
    [InlineData("\"late fees\"", "Late fees")]
    [InlineData("“late fees”", "Late fees")]
    [InlineData("\"fees late\"", null)]
    [InlineData("\"fees of the etf\"", "fees of the ＥＴＦ")]
    [InlineData("etf", "ＥＴＦ")]
    [InlineData("基金", "基金")]
    [InlineData("etf基金", "ＥＴＦ基金")]
    [InlineData("tf基金", null)]
    [InlineData("1.35%", "1.35")]
    [InlineData("1,35", "1.35")]
    [InlineData("35", "35")]
    [InlineData("cafe", "café")]
    [InlineData("年費", "年费")]
    [InlineData("！！ 年费 ？", "年费")]
    public void A_word_is_found_as_it_is_meant(string query, string? expected)
    {
        var places = SearchedWords.Parse(query, "query").Find([FoldedText.Of(Text)]);
        Assert.Equal(expected, places is null ? null : string.Join('|', places.Select(place => Text[place.Start..place.End])));
    }

    [Fact]
    public void Words_may_stand_in_different_texts() =>
        Assert.Equal([(0, 0, 2), (1, 1, 3)], SearchedWords.Parse("年费 利率", "query").Find(FoldedText.Of("年费？"), FoldedText.Of("是利率。")));

    [Theory]
    [InlineData("?! …")]
    [InlineData("\"\" ''")]
    [InlineData("fe*")]
    [InlineData("a b c d e f g h i j k l m n o p q")]
    public void What_cannot_be_looked_for_is_refused_with_its_field(string query) =>
        Assert.Equal("words", Assert.Throws<RefusedException>(() => SearchedWords.Parse(query, "words")).Refusal.Metadata![Refusal.FieldKey]);

    [Fact]
    public void No_words_are_in_every_text() => Assert.Empty(SearchedWords.Parse("  ", "query").Find([FoldedText.Of("x")])!);

    [Fact]
    public void What_a_look_at_the_text_finds_has_all_the_grams_that_are_asked_for()
    {
        var texts = Gen.String[Gen.Char["年费信用卡利率aAbfé1２ .,，*貸款\uD840\uDC0B\u200B"], 0, 40];
        var found = 0;
        Gen.Select(texts, Gen.String[Gen.Char["年费信用卡利率aAbfé1２ 款*\uD840\uDC0B"], 1, 6]).Sample(
            (text, query) =>
            {
                SearchedWords words;
                try
                {
                    words = SearchedWords.Parse(query, "query");
                }
                catch (RefusedException)
                {
                    return;
                }
                var folded = FoldedText.Of(text);
                if (words.Find([folded]) is null)
                    return;
                Interlocked.Increment(ref found);
                var missing = words.Grams.Except(Grams.Of(folded.Form)).ToList();
                Assert.True(missing.Count == 0, $"'{query}' in '{text}' asks for {string.Join(", ", missing)}");
            },
            iter: 50_000);
        Assert.True(found > 1_000, $"only {found} were found");
    }
}
