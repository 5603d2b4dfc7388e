using R1Grains.Compliance;

namespace R1Grains.Tests.Compliance;

public sealed class FoldingTests
{
    [Theory]
    [InlineData("ＩＮＳＩＤＥＲ Ｔｉｐ", "insider tip")]
    [InlineData("內幕消息與國債", "内幕消息与国债")]
    [InlineData("①⑴⒈１❶𝟏", "111111")]
    [InlineData("⑩ㅤ㈠壹", "10一一")]
    [InlineData("іnѕіdеr", "insider")]
    [InlineData("ínsídér i\u0301n", "insider in")]
    [InlineData("𝐢𝓷𝕤ⓘ🅓ｅⓇ", "insider")]
    [InlineData("内\u200b幕\u2060", "内幕")]
    [InlineData("⽇⼀", "日一")]
    [InlineData("a，。！b  c😀", "a b c")]
    public void Forms_of_one_character_become_one(string text, string expected) => Assert.Equal(expected, Lexicon.NormalForm(text));

    [Fact]
    public void Folding_twice_is_folding_once()
    {
        foreach (var folded in Folding.Of.Distinct().Where(folded => Folding.IsWord(folded) && !char.IsSurrogate(folded)))
            Assert.Equal(folded, Folding.Of[folded]);
        foreach (var pair in Folding.Pairs)
            Assert.All(pair, character => Assert.Equal(character, Folding.Of[character]));
    }
}
