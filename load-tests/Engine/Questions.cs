namespace R1Grains.LoadTests.Engine;

/// <summary>
/// What customers ask of the tenant that is measured. With the shipped model a prompt shares its first 200 tokens with
/// all others and has 100 of its own, and answers take some 60 tokens: nothing in the contract bounds them, so the
/// questions are such as the model answers at that length.
/// </summary>
internal static class Questions
{
    public const string Policy =
        "你是禾渡银行的助手。只按资料回答；资料没有就说没有。Reply in the customer's language. " +
        "先听清客户要办什么，再说步骤；步骤一次说完，不要反复确认。不评价其他银行，不预测利率，不替客户做决定。" +
        "不要问密码和验证码，也不要让客户把它们告诉任何人。遇到投诉先致歉，再登记。遇到可疑交易先请客户冻结卡片。" +
        "金额、日期和费率照资料原样写。客户着急时语气平稳，句子简短。听不懂时请客户换一种说法，或者转接人工客服。";

    public const string Facts = "# 资料\n\n## 无名产品\n无名产品的年费为1元。";

    private const int Openings = 13;
    private static readonly string[] Opening =
        ["你好，在吗？", "麻烦你了，", "我有点急，", "我想咨询一下，", "不好意思，打扰了，", "请问，", "我今天在外地，", "我是老客户，", "我刚下班，", "我妈让我问一下，", "昨天没来得及问，"];

    private static readonly string[] Asks = ["怎么开通短信提醒？", "网点几点开门？", "转人工客服。", "怎么换外币？", "转人工客服。"];

    /// <summary>The same number brings the same words; of the first million no two are alike, not even in their first words.</summary>
    public static string Ask(int number)
    {
        const int numbers = 1_000_000, stride = 619_001; // Without a common factor: neighbours lie far apart.
        var random = new Random(number);
        return $"编号{(long)number * stride % numbers:d6}。{string.Concat(Enumerable.Range(0, Openings).Select(_ => Opening[random.Next(Opening.Length)]))}{Asks[number % Asks.Length]}";
    }
}
