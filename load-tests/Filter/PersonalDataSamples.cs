using System.Text;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <param name="Item">What is to be found in the text, or null.</param>
internal sealed record PersonalDataSample(string Class, string Text, PersonalDataKind? Kind = null, string? Item = null);

/// <summary>
/// Sentences with one item each, and sentences with none. Numbers are made by the rules of their standards, from lists
/// of regions, issuers and countries of their own: none is taken from the recognisers'.
/// </summary>
internal sealed class PersonalDataSamples(int seed)
{
    private const string Wide = "０１２３４５６７８９";
    private const string Spoken = "〇一二三四五六七八九";
    private const string CreditCodeSigns = "0123456789ABCDEFGHJKLMNPQRTUWXY";

    /// <summary>Counties of all decades, some of them dissolved.</summary>
    private static readonly string[] Counties =
        ("110101 110108 110228 120103 130102 130682 132432 140105 142601 150102 152502 210102 210211 220102 222401 230103 232301 310104 310115 310230 320102 320506 320583 321023 330106 330281 330726 332526 "
        + "340103 341281 342401 350102 350583 352602 360102 362301 370102 370682 372901 410105 411381 412801 420106 421181 422103 430102 432501 440106 440301 440582 441424 450103 452502 460105 460200 "
        + "500103 500234 510104 510211 512301 513021 520102 522401 530102 532901 540102 610103 612301 620102 622301 630102 632801 640104 642221 650102 652801 659001 810000 820000").Split(' ');

    /// <summary>Real issuers of debit and credit cards, and the length of their numbers.</summary>
    private static readonly (string Prefix, int Length)[] Cards =
    [
        ("622202", 19), ("622848", 19), ("621700", 19), ("621661", 19), ("621799", 19), ("622260", 19), ("621226", 19), ("623059", 19), ("622908", 18), ("622588", 16), ("622580", 16), ("622622", 16), ("622689", 16),
        ("625965", 16), ("628288", 16), ("622155", 16), ("621483", 16), ("622521", 16), ("621771", 16), ("622309", 19), ("622262", 17), ("955880", 19), ("436742", 19), ("456351", 19), ("601382", 19),
        ("4392", 16), ("4518", 16), ("4047", 16), ("4026", 16), ("4929", 16), ("5187", 16), ("5240", 16), ("5522", 16), ("5424", 16), ("2720", 16), ("2305", 16), ("370246", 15), ("3751", 15), ("3568", 16), ("3530", 16), ("6011", 16), ("6500", 16),
    ];

    /// <summary>Country and form: 0 a digit, A a letter, * either.</summary>
    private static readonly (string Country, string Form)[] Ibans =
    [
        ("DE", "000000000000000000"), ("GB", "AAAA00000000000000"), ("FR", "0000000000***********00"), ("NL", "AAAA0000000000"), ("ES", "00000000000000000000"), ("IT", "A0000000000************"),
        ("CH", "00000************"), ("AT", "0000000000000000"), ("BE", "000000000000"), ("PL", "000000000000000000000000"), ("SE", "00000000000000000000"), ("NO", "00000000000"), ("AE", "0000000000000000000"),
        ("SA", "00******************"), ("TR", "00000*****************"), ("LU", "000*************"), ("KZ", "000*************"), ("MT", "AAAA00000******************"), ("IE", "AAAA00000000000000"), ("PT", "000000000000000000000"),
    ];

    private static readonly string[] Plain = ["", "您好，我的是{0}", "{0}", "请帮我查一下{0}，谢谢", "{0} is mine", "Please check {0}, thanks.", "我填的是{0}。", "（{0}）", "“{0}”不对吗？", "it says {0}"];
    private static readonly string[] Orders = ["订单号：{0}", "我的订单号是{0}，还没收到货", "订单{0}退款到哪里了？", "快递单号 {0}", "运单号为{0}", "交易流水号：{0}", "流水号{0}的这笔钱没到账", "参考号 {0}", "合同编号：{0}", "发票号码 {0}", "工单号{0}", "保单号是{0}", "商户订单编号：{0}", "order number {0}", "Order no. {0} has not arrived", "my order is {0}", "Tracking number: {0}", "invoice {0}", "Reference: {0}", "transaction id {0} failed", "receipt no. {0}", "case {0}"];

    private readonly Random _random = new(seed);

    public IEnumerable<PersonalDataSample> Positives(int perKind)
    {
        for (var i = 0; i < perKind; i++)
        {
            yield return Positive(PersonalDataKind.IdentityCard, Identity(), "身份证号是{0}", "我的证件号码：{0}", "my id number is {0}");
            yield return Positive(PersonalDataKind.SocialCreditCode, CreditCode(), "统一社会信用代码：{0}", "公司税号{0}", "our tax id is {0}");
            yield return Positive(PersonalDataKind.BankCard, Card(), "卡号{0}", "我的银行卡号是：{0}", "转到{0}这张卡", "card number {0}");
            yield return Positive(PersonalDataKind.Iban, Iban(), "IBAN：{0}", "汇到{0}", "pay to {0}");
            yield return Positive(PersonalDataKind.MobileNumber, Mobile(), "手机号{0}", "打{0}找我", "my phone is {0}");
            yield return Labelled(PersonalDataKind.OneTimePassword, Digits(_random.Next(2) == 0 ? 6 : 4), "验证码：{0}", "验证码是{0}，别告诉别人", "{0}是您的验证码", "the verification code is {0}", "{0} is your one-time password");
        }
    }

    /// <summary>Numbers that are nobody's, those with a right check digit among them, and sentences of a bank's day.</summary>
    public IEnumerable<PersonalDataSample> Negatives(int perClass)
    {
        for (var i = 0; i < perClass; i++)
        {
            yield return new("luhn_order_named", Say(Orders, Luhn(Digits(_random.Next(12, 19)))));
            yield return new("luhn_order_named_in_card_range", Say(Orders, Form(Card(), spokenToo: false)));
            yield return new("luhn_order_dated", Say(Plain, Luhn(Date("yyyyMMdd") + Digits(_random.Next(7, 11)))));
            yield return new("luhn_order_dated_to_the_second", Say(Plain, Luhn(Date("yyyyMMddHHmmss") + Digits(_random.Next(1, 5)))));
            yield return new("luhn_order_lettered", Say(Plain, Pick("DD", "SF", "JD", "YT", "ORD-", "PO", "T-", "NO") + Card()));
            yield return new("luhn_too_long", Say(Plain, Luhn(Pick("4200", "6222", "2026", "8800") + Digits(_random.Next(18, 26)))));
            yield return new("card_without_luhn", Say(Plain, Broken(Card())));
            yield return new("identity_without_check", Say(Plain, Broken(Identity())));
            yield return new("credit_code_without_check", Say(Plain, Broken(CreditCode())));
            yield return new("iban_without_check", Say(Plain, Broken(Iban())));
            yield return new("eighteen_digits", Say(Plain, Digits(18)));
            yield return new("amount", string.Format(Pick("转了{0}元", "余额{0}.55", "¥{0}", "{0}元", "USD {0}", "金额：{0}", "额度是{0}万", "total {0}.00"), Digits(_random.Next(3, 12))));
            yield return new("date", Say(Plain, Date(Pick("yyyy-MM-dd", "yyyy年M月d日", "yyyy/MM/dd HH:mm:ss", "yyyyMMdd", "yyyy-MM-dd HH:mm:ss", "dd.MM.yyyy", "yyyyMMddHHmmss"))));
            yield return new("timestamp", Say(["创建时间 {0}", "ts={0}", "\"time\": {0},"], $"1{_random.Next(700, 800)}{Digits(_random.Next(2) == 0 ? 6 : 9)}"));
            yield return new("table", string.Join(' ', Enumerable.Range(0, 12).Select(_ => _random.Next(10, 99_999))));
            yield return new("sentence", Sentence());
        }
    }

    /// <summary>Random numbers of the lengths of cards, right by Luhn, with nothing that says what they are.</summary>
    public string BareLuhn() => Say(Plain, Luhn(Digits(_random.Next(15, 19))));

    public string Sentence() => string.Format(
        Pick("请问{0}年期的定期存款利率是多少？起存{1}元可以吗", "我想在{0}日之前还清信用卡，还差{1}元", "第{0}期账单的最低还款额是{1}元，对吗？", "网点周末{0}点开门吗？排号到{1}了", "一共{0}笔，合计{1}元，手续费百分之{0}", "The rate for {0} years is {1} basis points?", "I waited {0} minutes and called {1} times.", "客服热线95588转{0}，或400-820-{1:0000}", "基金代码{1:000000}，净值1.{0}", "七天年化{0}.{1}%，风险等级R{0}"),
        _random.Next(1, 31), _random.Next(100, 9_999));

    private PersonalDataSample Positive(PersonalDataKind kind, string number, params string[] labelled) =>
        Labelled(kind, Form(number, spokenToo: number.All(char.IsAsciiDigit)), _random.Next(2) == 0 ? labelled : Plain);

    private PersonalDataSample Labelled(PersonalDataKind kind, string item, params string[] forms) => new(kind.ToString(), Say(forms, item), kind, item);

    private string Say(string[] forms, string item)
    {
        var form = Pick(forms);
        return form.Length == 0 ? item : string.Format(form, item);
    }

    /// <summary>As people write numbers: in one, in fours, with dashes, in full width, in Chinese numerals.</summary>
    private string Form(string number, bool spokenToo) => _random.Next(spokenToo ? 8 : 7) switch
    {
        0 => Parted(number, ' '),
        1 => Parted(number, '-'),
        2 => string.Concat(number.Select(c => char.IsAsciiDigit(c) ? Wide[c - '0'] : c)),
        7 => string.Concat(number.Select(c => Spoken[c - '0'])),
        _ => number,
    };

    private static string Parted(string number, char sign)
    {
        var groups = number.Length == 11 ? [number[..3], number[3..7], number[7..]] : number.Chunk(4).Select(group => new string(group));
        return string.Join(sign, groups);
    }

    private string Identity()
    {
        int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        var body = Pick(Counties) + new DateOnly(_random.Next(1935, 2020), 1, 1).AddDays(_random.Next(365)).ToString("yyyyMMdd") + Digits(3);
        return body + "10X98765432"[body.Select((c, i) => (c - '0') * weights[i]).Sum() % 11];
    }

    private string CreditCode()
    {
        int[] weights = [3, 7, 9, 10, 5, 8, 4, 2];
        const string Signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        var county = Counties[_random.Next(Counties.Length - 2)];
        var organisation = _random.Next(2) == 0 ? "MA" + string.Concat(Enumerable.Range(0, 6).Select(_ => CreditCodeSigns[_random.Next(31)])) : Digits(8);
        var check = 11 - (organisation.Select((c, i) => Signs.IndexOf(c) * weights[i]).Sum() % 11);
        var body = Pick("91", "91", "91", "92", "93", "11", "12", "13", "51", "52", "53") + county + organisation + (check == 10 ? "X" : check == 11 ? "0" : $"{check}");
        var (sum, weight) = (0, 1);
        foreach (var c in body)
        {
            sum += CreditCodeSigns.IndexOf(c) * weight;
            weight = weight * 3 % 31;
        }
        return body + CreditCodeSigns[(31 - (sum % 31)) % 31];
    }

    private string Card()
    {
        var (prefix, length) = Pick(Cards);
        return Luhn(prefix + Digits(length - prefix.Length - 1));
    }

    private string Iban()
    {
        var (country, form) = Pick(Ibans);
        var body = string.Concat(form.Select(c => c == '0' || (c == '*' && _random.Next(3) > 0) ? (char)('0' + _random.Next(10)) : (char)('A' + _random.Next(26))));
        var rest = 0;
        foreach (var c in string.Concat((body + country + "00").Select(c => char.IsAsciiDigit(c) ? $"{c}" : $"{c - 'A' + 10}"))) rest = ((rest * 10) + (c - '0')) % 97;
        return $"{country}{98 - rest:00}{body}";
    }

    private string Mobile() => Pick("130", "135", "137", "138", "139", "150", "151", "155", "159", "166", "173", "176", "180", "185", "188", "191", "198", "199") + Digits(8);

    private static string Luhn(string body)
    {
        var sum = 0;
        for (var (i, doubled) = (body.Length - 1, true); i >= 0; i--, doubled = !doubled)
        {
            var digit = body[i] - '0';
            sum += doubled ? (digit * 2 / 10) + (digit * 2 % 10) : digit;
        }
        return body + (char)('0' + ((10 - (sum % 10)) % 10));
    }

    /// <summary>With another last sign, which no check digit allows.</summary>
    private string Broken(string number)
    {
        var at = number.Length - 1;
        while (!char.IsAsciiDigit(number[at])) at--;
        var last = (char)('0' + ((number[at] - '0' + _random.Next(1, 10)) % 10));
        return new StringBuilder(number) { [at] = last }.ToString();
    }

    private string Digits(int count) => string.Concat(Enumerable.Range(0, count).Select(_ => (char)('0' + _random.Next(10))));

    private string Date(string format) => new DateTime(_random.Next(2015, 2027), 1, 1).AddSeconds(_random.Next(31_000_000)).ToString(format);

    private T Pick<T>(params T[] values) => values[_random.Next(values.Length)];
}
