using R1Grains.Compliance;
using R1Grains.LoadTests.Filter;

namespace R1Grains.Tests.Compliance;

public sealed class LexiconFileTests
{
    [Fact]
    public void The_shipped_list_does_what_it_says()
    {
        var lexicon = Lists.Shipped();
        Assert.Equal(["稳赚不赔"], lexicon.Find("这款产品稳赚不赔。"));
        Assert.Equal(["跑分"], lexicon.Find("有没有跑分的活", LexiconScope.Input));
        Assert.Equal(["Guaranteed  Returns"], lexicon.Find("Guaranteed  Returns!"));
        Assert.Empty(lexicon.Find("本产品不承诺保本保息，谨防刷单返利，参与反洗钱。"));
        Assert.Empty(lexicon.Find("保证收益是多少？", LexiconScope.Input));
    }

    [Fact]
    public void Sentences_in_which_nothing_is_wrong_are_left_alone()
    {
        var lexicon = Lists.Shipped();
        var clean = CleanText.Of(2_000, seed: 1);
        Assert.InRange(clean.Count(text => lexicon.Find(text).Length > 0), 0, clean.Count / 200);
    }

    public static TheoryData<string> Disguises => [.. Evasions.All.Keys];

    [Theory]
    [MemberData(nameof(Disguises))]
    public void A_disguise_hides_little(string name)
    {
        var lexicon = Lists.Shipped();
        var random = new Random(1);
        string[] words = [.. Lists.ShippedEntries().Where(entry => entry.Rule.Action is not LexiconAction.Allow).Select(entry => entry.Text)];
        List<(string Word, string Disguised)> tried = [];
        for (var i = 0; i < 2_000 && tried.Count < 300; i++)
            if (words[i % words.Length] is var word && Evasions.All[name](word, random) is { } disguised)
                tried.Add((word, disguised));
        var missed = tried.Where(pair => lexicon.Inspect($"听说：{pair.Disguised}，是吗？", LexiconScope.Both, null, Lists.Today).Hits.All(hit => hit.Entry.Text != pair.Word)).ToList();
        Assert.NotEmpty(tried);
        Assert.True(missed.Count <= 0.05 * tried.Count, $"{missed.Count} of {tried.Count} missed: {string.Join(", ", missed.Take(5))}");
    }

    [Fact]
    public void Settings_of_a_line_hold_for_it_alone()
    {
        LexiconEntry[] entries = [.. Read("# remark\n[fraud 9 review both]\n甲乙 | action=mask tenant=demo from=2026-01-01 until=2026-12-31\n")];
        var rule = new LexiconRule("fraud", 9, LexiconAction.Review);
        Assert.Equal(new LexiconEntry("甲乙", rule with { Action = LexiconAction.Mask, Tenant = "demo", From = new(2026, 1, 1), Until = new(2026, 12, 31) }), entries[0]);
    }

    [Theory]
    [InlineData("甲乙", "test.txt, line 1: '甲乙' stands before any section")]
    [InlineData("[fraud]", "test.txt, line 1: '[fraud]' is no section")]
    [InlineData("[fraud 10 mask both]", "test.txt, line 1: level '10' is none of 1 to 9")]
    [InlineData("[fraud 9 hide both]", "test.txt, line 1: 'hide' is none of allow, mask")]
    [InlineData("[fraud 9 mask both]\n甲 | colour=red", "test.txt, line 2: 'colour=red' is no setting")]
    [InlineData("[fraud 9 mask both]\n甲 | from=1.1.2026", "test.txt, line 2: '1.1.2026' is no day")]
    public void A_line_that_cannot_be_read_is_named(string text, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<LexiconException>(() => Read(text).Count()).Message, StringComparison.Ordinal);

    private static IEnumerable<LexiconEntry> Read(string text) => LexiconFile.Read(new StringReader(text), "test.txt");
}
