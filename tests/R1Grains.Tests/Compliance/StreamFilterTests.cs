using CsCheck;
using R1Grains.Compliance;
using R1Grains.LoadTests.Filter;

namespace R1Grains.Tests.Compliance;

public sealed class StreamFilterTests
{
    [Fact]
    public void Exactly_what_may_become_a_match_is_held_back()
    {
        var filter = Lists.Of(LexiconAction.Mask, "稳赚不赔", "赚钱").Filter();
        Assert.Equal("这", filter.Append("这").ToString());
        Assert.Equal("", filter.Append("稳").ToString());
        Assert.Equal("", filter.Append("赚").ToString());
        Assert.Equal("", filter.Append("*").ToString());
        Assert.Equal("稳***", filter.Append("钱").ToString());
        Assert.Equal("", filter.Append("稳赚不").ToString());
        Assert.Equal("****", filter.Append("赔").ToString());
    }

    [Theory]
    [InlineData("产品稳赚不赔的", "产品****的")]
    [InlineData("稳 赚 不 赔", "*******")]
    [InlineData("稳赚不", "稳赚不")]
    [InlineData("稳稳稳赚不赔", "******")]
    [InlineData("稳赚稳赚不赔", "稳赚****")]
    public void A_masked_word_is_covered_and_the_rest_goes_through(string text, string expected) =>
        Assert.Equal(expected, Shown(Lists.Of(LexiconAction.Mask, "稳赚不赔").Filter(), text));

    [Fact]
    public void A_latin_word_waits_for_its_end()
    {
        var filter = Lists.Of(LexiconAction.Mask, "ass").Filter();
        Assert.Equal("", filter.Append("ass").ToString());
        Assert.Equal("assist", filter.Append("ist").ToString());
        Assert.Equal(" ", filter.Append(" ass").ToString());
        Assert.Equal("*** ", filter.Append(" ").ToString());
    }

    [Theory]
    [InlineData(LexiconAction.Replace)]
    [InlineData(LexiconAction.Block)]
    public void A_grave_word_ends_the_text_before_it(LexiconAction action)
    {
        var filter = Lists.Of(action, "内幕消息").Filter();
        Assert.Equal("我有", filter.Append("我有内幕").ToString());
        Assert.Equal("", filter.Append("消息，你要").ToString());
        Assert.Equal(action, filter.Stopped);
        Assert.Equal("", filter.Append("吗").ToString() + filter.End().ToString());
        Assert.Equal([(2, 6)], filter.Hits.Select(hit => (hit.Start, hit.End)));
    }

    [Fact]
    public void A_word_for_review_holds_the_rest_for_a_person()
    {
        var filter = Lists.Of(LexiconAction.Review, "内幕消息").Filter();
        Assert.Equal("我有", Shown(filter, "我有内幕消息，你要吗"));
        Assert.Equal(LexiconAction.Review, filter.Stopped);
        Assert.Equal("内幕消息，你要吗", filter.Held);
    }

    [Fact]
    public void Half_a_character_is_not_let_through()
    {
        var filter = Lists.Of(LexiconAction.Mask, "𠀀𠀁").Filter();
        Assert.Equal("a", filter.Append("a\ud840").ToString());
        Assert.Equal("", filter.Append("\udc00").ToString());
        Assert.Equal("𠀀x", filter.Append("x").ToString());
        Assert.Equal("****", filter.Append("𠀀𠀁").ToString() + filter.End().ToString());
    }

    [Fact]
    public void Nothing_is_held_back_for_longer_than_a_match_may_be()
    {
        var lexicon = Lists.Of(LexiconAction.Mask, "稳赚不赔", "insider");
        Assert.Equal("insider".Length + Lexicon.SlippedInMax, lexicon.MatchMax);
        foreach (var text in new[] { "稳", "insider\u200b", "稳\u200b", "稳*\u0301", "insiderr", "稳\ud83d", "𝐢\u0301" })
        {
            var filter = lexicon.Filter();
            foreach (var character in string.Concat(Enumerable.Repeat(text, 100)))
            {
                filter.Append([character]);
                // Of one unit, or three at most: two halves and an accent.
                Assert.InRange(filter.HeldBack, 0, text[0] is '稳' or 'i' ? 2 * lexicon.MatchMax : 3 * lexicon.MatchMax);
            }
        }
    }

    [Fact]
    public void Every_way_of_cutting_a_text_gives_the_same() =>
        (from seed in Gen.Int
         from cuts in Gen.Int
         select (seed, cuts)).Sample((seed, cuts) =>
        {
            var random = new Random(seed);
            var lexicon = Lexicon.Of(RandomCases.Entries(random));
            for (var i = 0; i < 20; i++)
            {
                var text = RandomCases.Text(random);
                if (RandomCases.InPieces(lexicon, text, new Random(cuts + i)) != RandomCases.InPieces(lexicon, text, null)) return false;
            }
            return true;
        }, iter: 200);

    [Fact]
    public void Cutting_does_not_change_what_other_readings_find() =>
        Gen.Int.Sample(seed =>
        {
            var random = new Random(seed);
            string[] parts = ["nei", "mu", "内", "幕", " ", "消息", "xiao xi", "sc4m", "$cam", "scam", "。", "! ", ".", "，", "ok", "很长很长的句子"];
            var lexicon = Lexicon.Of(
            [
                new("内幕", Lists.Rule(LexiconAction.Mask)), new("内幕消息", Lists.Rule(random.Next(2) == 0 ? LexiconAction.Mask : LexiconAction.Replace)), new("scam", Lists.Rule(LexiconAction.Mask)),
            ]);
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 300)).Select(_ => parts[random.Next(parts.Length)]));
            return RandomCases.InPieces(lexicon, text, new Random(seed + 1)) == RandomCases.InPieces(lexicon, text, null);
        }, iter: 200);

    [Fact]
    public void Matches_are_those_of_a_naive_scan()
    {
        List<string> differences = [];
        RandomCases.Compare(60_000, differences.Add, CancellationToken.None);
        Assert.Empty(differences);
    }

    [Fact]
    public void What_goes_through_and_what_is_held_is_the_text()
    {
        var lexicon = Lexicon.Of([.. GeneratedList.Of(2_000, seed: 4).Select(entry => entry with { Rule = Lists.Rule(LexiconAction.Mask) })]);
        var random = new Random(5);
        var text = string.Concat(Enumerable.Range(0, 5_000).Select(_ => GeneratedList.Character(random)));
        var filter = lexicon.Filter();
        var shown = "";
        foreach (var piece in text.Chunk(7)) shown += filter.Append(piece).ToString();
        shown += filter.End().ToString();
        Assert.Equal(text.Length, shown.Length);
        Assert.All(shown.Zip(text), pair => Assert.True(pair.First == pair.Second || pair.First == StreamFilter.Cover));
    }

    [Fact]
    public void A_token_without_hits_allocates_nothing()
    {
        var filter = Lists.Shipped().Filter();
        // The runtime allocates now and then for itself, for code that it compiles anew.
        Assert.Equal(0, Enumerable.Range(0, 10).Min(_ => Speak()));

        long Speak()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1_000; i++) filter.Append("您的存款");
            filter.Append("已经到期，请用App办理。");
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static string Shown(StreamFilter filter, string text) => filter.Append(text).ToString() + filter.End().ToString();
}
