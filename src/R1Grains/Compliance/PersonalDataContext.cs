using System.Collections.Frozen;

namespace R1Grains.Compliance;

/// <summary>What a label says of the number beside it.</summary>
[Flags]
internal enum PersonalDataLabel
{
    None = 0,
    Card = 1 << 0,
    Identity = 1 << 1,
    Company = 1 << 2,
    Phone = 1 << 3,
    Passport = 1 << 4,
    Bic = 1 << 5,
    OneTimePassword = 1 << 6,
    CardVerificationValue = 1 << 7,
    Pin = 1 << 8,

    /// <summary>An order, a shipment, a version, an amount, the end of another number: nobody's data.</summary>
    Other = 1 << 9,

    Codes = OneTimePassword | CardVerificationValue | Pin,
}

/// <summary>What stands before a number, within its sentence and a bounded distance.</summary>
/// <param name="Nearest">The last label, or none.</param>
/// <param name="IsJoined">Whether nothing but signs and words like "is" stand between it and the number.</param>
/// <param name="CrossesDigits">Whether another number stands between.</param>
/// <param name="Seen">All labels.</param>
internal readonly record struct PersonalDataContext(PersonalDataLabel Nearest, bool IsJoined, bool CrossesDigits, PersonalDataLabel Seen)
{
    /// <summary>In Latin letters; a Han character is worth two.</summary>
    private const int Reach = 32;

    private static readonly (PersonalDataLabel Label, string Words)[] Vocabulary =
    [
        (PersonalDataLabel.Card, "卡号 卡號 卡片 银行卡 銀行卡 信用卡 借记卡 储蓄卡 贷记卡 卡 账号 賬號 帐号 帳號 账户 賬戶 帐户 card cards card_number account acct pan visa mastercard unionpay amex"),
        (PersonalDataLabel.Identity, "身份证 身分證 身份證 身份号码 身份证号 证件 證件 证号 證號 id_card id_card_number identity_card identity_card_number id_number identity_number resident_id national_id citizen_id"),
        (PersonalDataLabel.Company, "信用代码 信用代碼 信用码 税号 稅號 纳税人识别号 组织机构代码 tax_id usci uscc credit_code"),
        (PersonalDataLabel.Phone, "手机 手機 电话 電話 联系 聯繫 聯絡 致电 致電 拨打 撥打 来电 热线 熱線 客服 座机 固话 传真 傳真 微信 tel phone telephone mobile cell call dial fax contact whatsapp hotline"),
        (PersonalDataLabel.Passport, "护照 護照 通行证 通行證 passport travel_document"),
        (PersonalDataLabel.Bic, "swift bic 电汇代码 国际代码 银行识别码 銀行識別碼 识别代码 银行代码 銀行代碼"),
        (PersonalDataLabel.OneTimePassword, "验证码 驗證碼 校验码 校驗碼 动态码 動態碼 动态口令 动态密码 動態密碼 短信码 短信密码 确认码 確認碼 一次性密码 一次性密碼 一次性口令 otp verification_code one-time_password one_time_password one-time_code one_time_code one-time_passcode one_time_passcode passcode auth_code authentication_code authorization_code login_code sign-in_code confirmation_code 2fa_code"),
        (PersonalDataLabel.OneTimePassword | PersonalDataLabel.CardVerificationValue, "security_code 安全码 安全碼"),
        (PersonalDataLabel.CardVerificationValue, "cvv cvv2 cvc cvc2 cvn cvn2 csc card_verification_value card_verification_code 后三码 後三碼 后三位 後三位 末三位 背面三位"),
        (PersonalDataLabel.Pin, "密码 密碼 口令 pin password passwd pwd"),
        (PersonalDataLabel.Other, "订单 訂單 订单号 訂單號 订单编号 单号 單號 运单 快递 快遞 物流 流水 流水号 编号 編號 交易号 交易 参考号 参考 凭证 凭证号 合同 合同号 发票 發票 票号 工单 批次 序列号 商户号 终端号 受理号 业务号 业务编号 保单 项目 货号 条码 設備號 设备号 order orders order_number order_no order_id invoice reference ref tracking transaction txn trace serial ticket case batch receipt sn imei parcel shipment waybill po sku item quote"),
        (PersonalDataLabel.Other, "尾号 尾號 尾数 末四位 后四位 後四位 ending ending_in ends_in last_four last_4 last_four_digits"),
        (PersonalDataLabel.Other, "版本 固件 版本号 version ver firmware release build"),
        (PersonalDataLabel.Other, "金额 金額 余额 餘額 额度 額度 人民币 价格 總計 总计 合计 amount balance total price limit rmb cny usd hkd eur"),
    ];

    /// <summary>What may come between a code and its label behind it: "123456 is your code", "123456（登录验证码）".</summary>
    private static readonly string[] Links =
        ["是", "为", "為", "is", "as", "您", "你", "我", "的", "your", "my", "the", "our", "贵", "本次", "此次", "登录", "登入", "登陆", "注册", "支付", "交易", "短信", "手机", "login", "sms", "app", "bank", "account", "online", "r1"];

    private static readonly string[] Units =
        ["seconds", "second", "secs", "sec", "minutes", "minute", "mins", "min", "hours", "hour", "days", "day", "weeks", "months", "years", "times", "usd", "cny", "rmb", "yuan", "eur", "hkd", "points", "people", "customers", "characters", "digits"];

    private const string HanUnits = "秒分小时時天周年月日元次位个個块塊条條笔筆点點人名件张張号號万萬亿億";
    private const string Fillers = " :#=,'(-./·是为為号號码碼编編的系叫我您你填写輸输入到";
    private static readonly FrozenSet<string> FillerWords = FrozenSet.ToFrozenSet(["is", "no", "nr", "num", "number", "id", "code", "was", "my", "the", "of", "as", "to", "use", "enter"]);
    private static readonly Label[] Labels = MakeLabels();
    private static readonly FrozenDictionary<char, Label[]> ByLast = Labels.GroupBy(label => label.Word[^1]).ToFrozenDictionary(labels => labels.Key, labels => labels.ToArray());
    private static readonly Label[] Codes = [.. Labels.Where(label => (label.Meaning & PersonalDataLabel.Codes) != 0)];

    private const int LinksMax = 5;

    public bool Says(PersonalDataLabel label) => (Nearest & label) != 0;

    /// <summary>The number is named as something else than personal data.</summary>
    public bool IsNamedOther => IsJoined && Says(PersonalDataLabel.Other);

    public static PersonalDataContext Before(PersonalDataText text, int at)
    {
        var (nearest, seen) = (PersonalDataLabel.None, PersonalDataLabel.None);
        var (joined, crosses) = (true, false);
        var (nearestJoined, nearestCrosses) = (false, false);
        for (var (end, left) = (at, Reach); left > 0 && text[end - 1] != PersonalDataText.Break; )
        {
            var c = text[end - 1];
            if (EndingAt(text, end) is { } label)
            {
                if (nearest == PersonalDataLabel.None) (nearest, nearestJoined, nearestCrosses) = (label.Meaning, joined, crosses);
                seen |= label.Meaning;
                end -= label.Word.Length;
                left -= label.Word.Length;
                joined = false;
                continue;
            }
            var length = joined && char.IsAsciiLetter(c) ? FillerWord(text, end) : 1;
            joined &= length > 1 || (Fillers.Contains(c) && !char.IsAsciiLetter(c));
            crosses |= char.IsAsciiDigit(c);
            end -= length;
            left -= c > '\x2E80' ? 2 : length;
        }
        return new(nearest, nearestJoined, nearestCrosses, seen);
    }

    /// <summary>The label of a code that stands behind it; null as long as one could still come.</summary>
    public static PersonalDataLabel? Behind(PersonalDataText text, int at)
    {
        for (var links = 0; links <= LinksMax; links++)
        {
            for (var signs = 0; signs < 3 && text[at] is ' ' or '(' or '-' or ':' or '\''; signs++) at++;
            if (text[at] == PersonalDataText.Unknown) return null;
            var (best, length, isOpen) = (PersonalDataLabel.None, 0, false);
            foreach (var label in Codes)
            {
                var read = Reads(text, at, label.Word);
                isOpen |= read == PersonalDataReading.Undecided;
                if (read > length) (best, length) = (label.Meaning, read);
            }
            // A longer label could mean something else.
            if (isOpen) return null;
            if (length > 0) return best;
            foreach (var link in Links)
            {
                var read = Reads(text, at, link);
                isOpen |= read == PersonalDataReading.Undecided;
                length = Math.Max(length, read);
            }
            if (isOpen) return null;
            if (length == 0) return PersonalDataLabel.None;
            at += length;
        }
        return PersonalDataLabel.None;
    }

    /// <summary>Whether a number is followed by what it counts; null as long as that can still come.</summary>
    public static bool? IsCounted(PersonalDataText text, int at)
    {
        if (text[at] == ' ') at++;
        if (text[at] == PersonalDataText.Unknown) return null;
        if (text[at] == '%' || HanUnits.Contains(text[at])) return true;
        var isOpen = false;
        foreach (var unit in Units)
        {
            var read = Reads(text, at, unit);
            if (read > 0) return true;
            isOpen |= read == PersonalDataReading.Undecided;
        }
        return isOpen ? null : false;
    }

    /// <summary>The length of the word when the text reads so from here, and a Latin word ends there.</summary>
    private static int Reads(PersonalDataText text, int at, string word)
    {
        for (var i = 0; i < word.Length; i++)
        {
            if (text[at + i] == PersonalDataText.Unknown) return PersonalDataReading.Undecided;
            if (Lower(text[at + i]) != word[i]) return PersonalDataReading.None;
        }
        if (!char.IsAsciiLetterOrDigit(word[^1])) return word.Length;
        var next = text[at + word.Length];
        return next == PersonalDataText.Unknown ? PersonalDataReading.Undecided : char.IsAsciiLetterOrDigit(next) ? PersonalDataReading.None : word.Length;
    }

    /// <summary>The longest label that ends here.</summary>
    private static Label? EndingAt(PersonalDataText text, int end)
    {
        if (!ByLast.TryGetValue(Lower(text[end - 1]), out var labels)) return null;
        foreach (var label in labels)
            if (label.EndsAt(text, end)) return label;
        return null;
    }

    private static int FillerWord(PersonalDataText text, int end)
    {
        Span<char> word = stackalloc char[8];
        var length = 0;
        for (; length < word.Length && char.IsAsciiLetter(text[end - 1 - length]); length++) word[^(length + 1)] = Lower(text[end - 1 - length]);
        return FillerWords.GetAlternateLookup<ReadOnlySpan<char>>().Contains(word[^length..]) && !char.IsAsciiLetter(text[end - 1 - length]) ? length : 1;
    }

    private static char Lower(char c) => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;

    /// <summary>Longest first. Words are written as the text is folded: "一次性密码" begins with a digit.</summary>
    private static Label[] MakeLabels() =>
        [.. Vocabulary
            .SelectMany(entry => entry.Words.Split(' '), (entry, word) => new Label(string.Concat(word.Replace('_', ' ').Select(PersonalDataText.Fold)), entry.Label))
            .OrderByDescending(label => label.Word.Length)];

    private sealed record Label(string Word, PersonalDataLabel Meaning)
    {
        /// <summary>A Latin label is a word of its own; "card_number" and "cardNumber" are not told apart from "card number".</summary>
        public bool EndsAt(PersonalDataText text, int end)
        {
            for (var (i, at) = (Word.Length - 1, end - 1); i >= 0; i--, at--)
                if (Lower(text[at]) != Word[i] && !(Word[i] == ' ' && text[at] is '_' or '-')) return false;
            return !char.IsAsciiLetter(Word[0]) || (!char.IsAsciiLetter(text[end - Word.Length - 1]) && (!char.IsAsciiLetter(text[end]) || !char.IsAsciiLetter(Word[^1])));
        }
    }
}
