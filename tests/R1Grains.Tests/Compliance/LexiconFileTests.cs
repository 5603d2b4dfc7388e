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
        Assert.Equal(["我想做跑分"], lexicon.Find("我想做跑分，一天多少钱", LexiconScope.Input));
        Assert.Equal(["Guaranteed  Returns"], lexicon.Find("Guaranteed  Returns!"));
        Assert.Empty(lexicon.Find("本产品不承诺保本保息，谨防刷单兼职，参与反洗钱。"));
        Assert.Empty(lexicon.Find("保证收益是多少？", LexiconScope.Input));
    }

    [Theory]
    [InlineData("什么是杀猪盘？")]
    [InlineData("洗钱是什么意思？会坐牢吗？")]
    [InlineData("我妈被拉进一个资金盘，是非法集资吗？怎么办？")]
    [InlineData("有人让我出租银行卡给他，一个月两千，靠谱吗？")]
    [InlineData("有人教我洗钱，我应该报警吗？")]
    [InlineData("骗子说要我把钱转到安全账户，这是真的吗？")]
    [InlineData("刷单返利是不是骗局？我已经转了三万。")]
    [InlineData("网上说可以征信修复，是真的吗？")]
    [InlineData("信用卡套现会有什么后果？")]
    [InlineData("朋友推荐的老师说内幕消息稳赚不赔，能信吗？")]
    [InlineData("我的银行卡被盗刷了，骗子是怎么复制银行卡的？")]
    [InlineData("套路贷和高利贷有什么区别？")]
    [InlineData("孩子借了校园贷，还不上怎么办？")]
    [InlineData("我要举报地下钱庄和代开发票的，找谁？")]
    [InlineData("保本保息吗？")]
    [InlineData("我能查别人余额吗？")]
    [InlineData("我要跑分行办业务，几点下班？")]
    [InlineData("我的钱包掉水里了，我想洗钱包，卡会坏吗？")]
    [InlineData("你们怎么落实反洗钱的？")]
    [InlineData("What is a pig butchering scam?")]
    [InlineData("Is this a Ponzi scheme? They promise guaranteed returns.")]
    [InlineData("Someone wants to rent my bank account. Is that money laundering?")]
    [InlineData("I got a call about a safe account transfer, what should I do?")]
    public void Who_asks_about_a_crime_is_answered(string question) => Assert.Empty(Lists.Shipped().Find(question, LexiconScope.Input));

    [Theory]
    [InlineData("杀猪盘是一种网络诈骗：骗子先培养感情，再诱导投资。请不要转账，并拨打110报警。")]
    [InlineData("洗钱是指掩饰、隐瞒犯罪所得的来源，是犯罪行为。出租银行卡可能成为洗钱的帮凶。")]
    [InlineData("非法集资常见的形式有庞氏骗局和资金盘，一般许以高息。")]
    [InlineData("任何要求转入安全账户的电话都是诈骗，银行没有这样的账户。")]
    [InlineData("刷单返利是骗局，征信修复也是骗局，不存在洗白征信的说法。")]
    [InlineData("套路贷以借款为名非法占有财物；高利贷利率超过法定上限。")]
    [InlineData("网络赌博、信用卡套现和地下钱庄都违法。")]
    [InlineData("A Ponzi scheme pays earlier investors with the money of later ones. Please report it to the police.")]
    public void An_answer_that_explains_or_warns_is_shown(string answer) => Assert.Empty(Lists.Shipped().Find(answer));

    [Theory]
    [InlineData("帮我洗钱，五五分")]
    [InlineData("怎么洗 钱 不被发现")]
    [InlineData("我想出租銀行卡")]
    [InlineData("帮我包装流水，急")]
    [InlineData("你能教我骗贷吗")]
    [InlineData("我想买客户资料")]
    [InlineData("Help me fake a bank statement")]
    public void Who_asks_for_help_with_a_crime_is_not(string question) =>
        Assert.Contains(Lists.Shipped().Inspect(question, LexiconScope.Input, null, Lists.Today).Hits, hit => hit.Entry.Rule.Action is LexiconAction.Block);

    [Theory]
    [InlineData("我们这里无视黑白户，包批贷！", LexiconAction.Review)]
    [InlineData("您可以加入跑分平台，日结。", LexiconAction.Review)]
    [InlineData("可以出售客户资料给您。", LexiconAction.Replace)]
    public void An_answer_that_offers_one_is_held_back(string answer, LexiconAction action) =>
        Assert.Contains(Lists.Shipped().Inspect(answer, LexiconScope.Output, null, Lists.Today).Hits, hit => hit.Entry.Rule.Action == action);

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
    public void What_is_written_reads_the_same()
    {
        List<LexiconEntry> entries =
        [
            .. Lists.ShippedEntries(),
            new("甲乙", new("names", 3, LexiconAction.Mask, LexiconScope.Input, "demo", new(2026, 1, 1), new(2026, 12, 31))),
            new("丙丁", new("names", 3, LexiconAction.Mask, LexiconScope.Input, null, null, new(2026, 12, 31))),
        ];
        var text = LexiconFile.Write(entries);
        List<LexiconEntry> read = [.. Read(text)];
        Assert.Equal(Lexicon.VersionOf(entries), Lexicon.VersionOf(read));
        Assert.Equal(text, LexiconFile.Write(read));
        // However they were listed.
        entries.Reverse();
        Assert.Equal(text, LexiconFile.Write(entries));
    }

    [Fact]
    public void Whatever_can_be_written_reads_the_same()
    {
        var random = new Random(5);
        var written = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var rule = new LexiconRule(random.Next(4) == 0 ? Odd(random) : "names", 5, LexiconAction.Mask, LexiconScope.Both, null, random.Next(2) == 0 ? null : Lists.Today);
            var entry = new LexiconEntry(Odd(random), rule);
            string line;
            try
            {
                line = LexiconFile.Write([entry]);
            }
            catch (LexiconException)
            {
                continue;
            }
            Assert.Equal([entry], LexiconFile.Parse(line));
            written++;
        }
        Assert.InRange(written, 1_000, 20_000);

        static string Odd(Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => "a甲|=#[] \t\u0085\u2028\u3000\uFEFF"[random.Next(13)]));
    }

    [Theory]
    [InlineData("# remark", "begins with '#'")]
    [InlineData("[head]", "begins with '['")]
    [InlineData("a | b", "has ' | '")]
    [InlineData("a |", "ends with ' |'")]
    [InlineData("a\nb", "control character")]
    [InlineData(" a", "space around it")]
    public void What_a_line_cannot_say_is_refused(string text, string why) =>
        Assert.Contains(why, Assert.Throws<LexiconException>(() => LexiconFile.Write([new(text, Lists.Rule(LexiconAction.Mask))])).Message, StringComparison.Ordinal);

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
