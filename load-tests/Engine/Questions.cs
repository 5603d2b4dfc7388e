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

    private static readonly string[] Asks = ["怎么提高转账限额？", "怎么激活新卡？", "怎么把账单分期？", "怎么开通短信提醒？", "网点几点开门？"];

    /// <summary>The same number brings the same words, another number others.</summary>
    public static string Ask(int number)
    {
        var random = new Random(number);
        return $"你好，我的客户号是{random.Next(100_000_000, 1_000_000_000)}{number:d6}，预留手机尾号是{random.Next(1_000, 10_000)}，" +
            $"上次来网点是{random.Next(1, 13)}月{random.Next(1, 29)}日{random.Next(9, 18)}点{random.Next(10, 60)}分，取的是{random.Next(100, 1_000)}号，柜员工号是{random.Next(10_000, 100_000)}。" +
            Asks[number % Asks.Length];
    }
}
