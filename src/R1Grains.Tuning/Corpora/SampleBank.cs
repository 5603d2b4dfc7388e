namespace R1Grains.Tuning.Corpora;

/// <summary>
/// The bank of the demonstration tenant (<c>deploy/tenants/demo</c>). Training knows its policy prompt and product
/// names; its figures are random there, so the fact sheet may change without a new model.
/// </summary>
internal static class SampleBank
{
    public const string Policy = "你是禾渡银行的助手。只按资料回答；资料没有就说没有。Reply in the customer's language.";

    public static readonly string[] OtherPolicies =
    [
        "你是银行客服助手，只依据资料回答。",
        "请根据资料回答客户的问题，资料中没有的不要编造。",
        "You are a bank assistant. Answer only from the documents.",
        "Answer from the documents; if they do not say, say so.",
        "你是一家银行的智能助手。You help customers of a bank.",
        "回答要简短、准确、有礼貌。",
        "Be short, exact and polite.",
        "用客户的语言回答。Use the customer's language.",
    ];

    public static readonly string[] Zh =
        ["青穗信用卡", "青穗白金卡", "渡口借记卡", "满仓定期存款", "满仓大额存单", "微澜活期理财", "长禾稳健理财", "安檐房贷", "轻舟车贷", "新苗消费贷"];

    public static readonly string[] En =
    [
        "Greenear Credit Card", "Greenear Platinum Card", "Ferry Debit Card", "Granary Term Deposit", "Granary Certificate", "Ripple Wealth Plan", "Longgrain Balanced Fund",
        "Eaves Home Loan", "Skiff Car Loan", "Seedling Personal Loan",
    ];
}
