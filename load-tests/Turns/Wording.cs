namespace R1Grains.LoadTests.Turns;

/// <summary>What customers say. The same number always brings the same words.</summary>
internal static class Wording
{
    private const string FactSheet = "deploy/tenants/demo/facts.md";

    /// <summary>Every line of the shipped fact sheet as a question about it.</summary>
    private static readonly Lazy<string[]> Facts = new(ReadFacts);

    private static readonly string[] Openings =
        ["你好，", "麻烦你，", "我有点急，", "想咨询一下，", "不好意思，打扰了，", "请问一下，", "我在外地，", "我是老客户，", "我刚下班，", "我妈让我问问，", "昨天没来得及问，"];

    private static readonly string[] Products = ["青穗信用卡", "青穗白金卡", "渡口借记卡", "安檐房贷", "轻舟车贷", "新苗消费贷"];

    private static readonly string[] Troubles =
        ["我的卡丢了怎么办？", "我的钱包丢了，卡也在里面，怎么办？", "我忘了密码，怎么办？", "怎么开通短信提醒？", "网点几点开门？", "怎么换外币？"];

    private static readonly string[] FollowUps = ["那补卡费呢？", "滞纳金是多少？", "到账时间呢？", "年利率是多少？", "提前还款费率呢？", "起存金额是多少？", "贷款期限多长？"];

    /// <summary>Names a product, so that its paragraph is found; answered in a sentence.</summary>
    public static string Retrieval(int number) => Facts.Value[number % Facts.Value.Length];

    /// <summary>
    /// Asks about two products at once, which takes the shipped model 120 to 200 tokens, most of them reasoning: longer
    /// answers it does not give. The words are such as nobody used before.
    /// </summary>
    public static string Generation(int number)
    {
        var random = new Random(number);
        var openings = string.Concat(Enumerable.Range(0, 2).Select(_ => Openings[random.Next(Openings.Length)]));
        var (one, other) = (Products[number % Products.Length], Products[(number + 1 + number / Products.Length % (Products.Length - 1)) % Products.Length]);
        return $"编号{number * 619_001L % 1_000_000:d6}。{openings}{(number % 2 == 0 ? $"{one}和{other}的年费分别是多少？" : $"{one}的年费是多少？{other}呢？")}";
    }

    /// <summary>The first turn of a visit names a product, the later ones go on about it or about something else.</summary>
    public static string Visit(int visit, int turn) => turn switch
    {
        0 => Retrieval(visit),
        _ when (visit + turn) % 4 == 0 => Troubles[(visit + turn) % Troubles.Length],
        _ when (visit + turn) % 3 == 0 => Retrieval(visit * 7 + turn),
        _ => FollowUps[(visit + turn) % FollowUps.Length],
    };

    private static string[] ReadFacts()
    {
        var (questions, product) = (new List<string>(), "");
        foreach (var line in File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, FactSheet)))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) product = line[3..];
            else if (line.StartsWith(product, StringComparison.Ordinal) && product is not "")
                questions.AddRange(line[(product.Length + 1)..].Split('。', StringSplitOptions.RemoveEmptyEntries).Select(sentence => $"{product}的{sentence.Split('为', 2)[0]}是多少？"));
        }
        return [.. questions];
    }
}
