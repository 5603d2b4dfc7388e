using R1Grains.Compliance;
using static R1Grains.Compliance.PersonalDataKind;

namespace R1Grains.Tests.Compliance;

public sealed class PersonalDataTests
{
    [Theory]
    [InlineData(IdentityCard, "11010519491231002X")]
    [InlineData(IdentityCard, "11010519491231002x")]
    [InlineData(IdentityCard, "510211196302143216")] // Chongqing, before it became a municipality
    [InlineData(IdentityCard, "810000198002290011")]
    [InlineData(IdentityCard, "440307 19991231 0516")]
    [InlineData(IdentityCard, "４４０３０７１９９９１２３１０５１６")]
    [InlineData(IdentityCard, "四四〇三〇七一九九九一二三一〇五一六")]
    [InlineData(SocialCreditCode, "91350100M000100Y43")]
    [InlineData(SocialCreditCode, "9144030071526726XG")]
    [InlineData(SocialCreditCode, "9144 0300 7152 6726 XG")]
    [InlineData(SocialCreditCode, "91110000802100433B")]
    [InlineData(SocialCreditCode, "914403001922038216")]
    [InlineData(BankCard, "6222021234567890128")]
    [InlineData(BankCard, "6222 0212 3456 7890 128")]
    [InlineData(BankCard, "622202 1234567890128")]
    [InlineData(BankCard, "6225-8812-1456-7892")]
    [InlineData(BankCard, "6 2 2 5 8 8 1 2 1 4 5 6 7 8 9 2")]
    [InlineData(BankCard, "6225 881二 一四五六 7892")]
    [InlineData(BankCard, "６２２５８８１２１４５６７８９２")]
    [InlineData(BankCard, "62\u200b25881214567892")]
    [InlineData(BankCard, "6️⃣2️⃣25881214567892")]
    [InlineData(BankCard, "⑥②②⑤⑧⑧①②①④⑤⑥⑦⑧⑨②")]
    [InlineData(BankCard, "陆贰贰伍捌捌壹贰壹肆伍陆柒捌玖贰")]
    [InlineData(BankCard, "4111 1111 1111 1111")]
    [InlineData(BankCard, "3782 822463 10005")]
    [InlineData(Iban, "DE89370400440532013000")]
    [InlineData(Iban, "DE89 3704 0044 0532 0130 00")]
    [InlineData(Iban, "gb82west12345698765432")]
    [InlineData(Iban, "FR14 2004 1010 0505 0001 3M02 606")]
    [InlineData(Iban, "NO9386011117947")]
    [InlineData(Email, "li.wei@example.com")]
    [InlineData(Email, "13812345678@qq.com")]
    [InlineData(Email, "ｂｏｂ＠ｅｘａｍｐｌｅ．ｃｎ")]
    [InlineData(Email, "bob@mail.bank.com.cn")]
    [InlineData(IpAddress, "192.168.100.200")]
    [InlineData(IpAddress, "2001:db8::8a2e:370:7334")]
    [InlineData(IpAddress, "fe80:0:0:0:1:2:3:4")]
    [InlineData(MobileNumber, "13812345678")]
    [InlineData(MobileNumber, "138 1234 5678")]
    [InlineData(MobileNumber, "138-1234-5678")]
    [InlineData(MobileNumber, "138.1234.5678")]
    [InlineData(MobileNumber, "1 3 8 1 2 3 4 5 6 7 8")]
    [InlineData(MobileNumber, "１３８１２３４５６７８")]
    [InlineData(MobileNumber, "一三八一二三四五六七八")]
    [InlineData(MobileNumber, "幺三八幺二三四五六七八")]
    [InlineData(MobileNumber, "+86 138 1234 5678")]
    [InlineData(MobileNumber, "(+86)13812345678")]
    [InlineData(MobileNumber, "8613812345678")]
    [InlineData(MobileNumber, "0086-13812345678")]
    [InlineData(MobileNumber, "+852 9123 4567")]
    [InlineData(MobileNumber, "+1 (415) 555-0132")]
    [InlineData(LandlineNumber, "010-62345678")]
    [InlineData(LandlineNumber, "(0755) 8234 5678")]
    [InlineData(LandlineNumber, "（０２１）６２３４５６７８")]
    [InlineData(LandlineNumber, "0312-2345678")]
    [InlineData(LandlineNumber, "+86 10 6234 5678")]
    [InlineData(Passport, "E12345678")]
    [InlineData(Passport, "EA1234567")]
    public void What_stands_alone_is_recognised(PersonalDataKind kind, string item)
    {
        foreach (var (before, after) in (ReadOnlySpan<(string, string)>)[("", ""), ("我的是", "，谢谢"), ("it is ", ". Thanks"), ("号", "吗"), ("(", ")")])
            Assert.Equal([(kind, item)], Found(before + item + after));
    }

    [Theory]
    [InlineData("身份证号：110105491231002", IdentityCard, "110105491231002")]
    [InlineData("my id card number is 110105491231002.", IdentityCard, "110105491231002")]
    [InlineData("卡号是6880 1234 5678 9012 346", BankCard, "6880 1234 5678 9012 346")]
    [InlineData("电话07558234567", LandlineNumber, "07558234567")]
    [InlineData("联系电话：075582345678", LandlineNumber, "075582345678")]
    [InlineData("护照号码 G12345678", Passport, "G12345678")]
    [InlineData("Passport No. 123456789", Passport, "123456789")]
    [InlineData("护照为e12345678。", Passport, "e12345678")]
    [InlineData("SWIFT代码：ICBKCNBJ110", Bic, "ICBKCNBJ110")]
    [InlineData("BIC is DEUTDEFF", Bic, "DEUTDEFF")]
    [InlineData("验证码：123456", OneTimePassword, "123456")]
    [InlineData("您的验证码是 1234，5分钟内有效", OneTimePassword, "1234")]
    [InlineData("驗證碼為【１２３４５６】", OneTimePassword, "１２３４５６")]
    [InlineData("验证码一二三四五六", OneTimePassword, "一二三四五六")]
    [InlineData("一次性密码 482913 请勿告知他人", OneTimePassword, "482913")]
    [InlineData("Your verification code is 123 456.", OneTimePassword, "123 456")]
    [InlineData("OTP: 4829131", OneTimePassword, "4829131")]
    [InlineData("123456是您的登录验证码", OneTimePassword, "123456")]
    [InlineData("482913 is your one-time password", OneTimePassword, "482913")]
    [InlineData("482913（登录验证码）", OneTimePassword, "482913")]
    [InlineData("security code 482913", OneTimePassword, "482913")]
    [InlineData("security code 913", CardVerificationValue, "913")]
    [InlineData("CVV2 913", CardVerificationValue, "913")]
    [InlineData("cvv是：０７３", CardVerificationValue, "０７３")]
    [InlineData("卡背面后三位是 913", CardVerificationValue, "913")]
    [InlineData("取款密码123456", Pin, "123456")]
    [InlineData("my PIN is 0420", Pin, "0420")]
    [InlineData("042013是我的支付密码", Pin, "042013")]
    public void What_needs_a_label_is_recognised_with_one(string text, PersonalDataKind kind, string item) =>
        Assert.Equal([(kind, item)], Found(text));

    [Theory]
    [InlineData("订单号：6222021234567890128")] // Luhn, and the range of an issuer
    [InlineData("您的订单 4111111111111111 已发货")]
    [InlineData("order number is 4111 1111 1111 1111")]
    [InlineData("Tracking no. 6225881214567892")]
    [InlineData("银行卡交易流水号6225881214567892")]
    [InlineData("202603141234567894")] // Luhn, of no issuer
    [InlineData("6222021234567890123")] // not Luhn
    [InlineData("DD6222021234567890128")]
    [InlineData("DD-6222021234567890128")]
    [InlineData("62220212345678901280000")]
    [InlineData("1106222021234567890128")]
    [InlineData("110105194912310021")] // wrong check digit
    [InlineData("11010519491331002X")] // month 13
    [InlineData("17010519491231002X")] // no province 17
    [InlineData("110105491231002")] // 15 digits without a label
    [InlineData("91350100M000100Y44")]
    [InlineData("DE88370400440532013000")]
    [InlineData("DE8937040044053201300")]
    [InlineData("转账13812345678元")]
    [InlineData("¥13812345678")]
    [InlineData("13812345678.50")]
    [InlineData("0.13812345678")]
    [InlineData("共 138 1234 5678 元")]
    [InlineData("订单编号13812345678")]
    [InlineData("1381234567")]
    [InlineData("138123456789")]
    [InlineData("12812345678")]
    [InlineData("15 20 30 40 50 6")]
    [InlineData("1 3 8 1 2 3 4 5 6 7 8 9")]
    [InlineData("2026-03-14 15:09:26")]
    [InlineData("2026年3月14日，20260314")]
    [InlineData("客服热线95588或400-820-8888")]
    [InlineData("0755-12345678")] // no number begins with 1
    [InlineData("07558234567")] // could be anything
    [InlineData("E20260314")]
    [InlineData("产品代码G12345678")]
    [InlineData("BUSINESS CUSTOMER TRANSFER")]
    [InlineData("swift code for a customer")]
    [InlineData("版本 2.10.0.1")]
    [InlineData("v1.2.3.4")]
    [InlineData("第1.2.3.4条")]
    [InlineData("256.1.1.1")]
    [InlineData("http://127.0.0.1:5080, 0.0.0.0")]
    [InlineData("redis:6379,password=…")]
    [InlineData("12:30:45")]
    [InlineData("std::vector, a::b, 00:1a:2b:3c:4d:5e")]
    [InlineData("bob@localhost, @weibo, a@b")]
    [InlineData("验证码10分钟内有效，1800秒后失效")]
    [InlineData("验证码已发送至尾号5678的手机")]
    [InlineData("尾号1234的验证码已失效")]
    [InlineData("密码错误请致电95588")]
    [InlineData("密码输错5次，2026年起锁定")]
    [InlineData("请在2026年前修改密码")]
    [InlineData("余额 123456 元")]
    [InlineData("shopping 1234")]
    [InlineData("一二三四五六七八九十")]
    [InlineData("二〇二六年三月十四日")]
    public void What_only_looks_like_it_is_not(string text) => Assert.Empty(Found(text));

    [Fact]
    public void Items_of_one_text_are_told_apart()
    {
        const string Text = "我叫李雷，手机13812345678，卡号 6225881214567892，身份证11010519491231002X；订单号4111111111111111，邮箱a@b.cn。";
        Assert.Equal(
            [(MobileNumber, "13812345678"), (BankCard, "6225881214567892"), (IdentityCard, "11010519491231002X"), (Email, "a@b.cn")],
            Found(Text));
        Assert.Equal([(MobileNumber, "13812345678"), (MobileNumber, "13912345678")], Found("13812345678,13912345678"));
        Assert.Equal([(MobileNumber, "138 1234 5678"), (BankCard, "6225 8812 1456 7892")], Found("138 1234 5678 6225 8812 1456 7892"));
    }

    [Fact]
    public void Another_script_begins_another_number() =>
        Assert.Equal([(MobileNumber, "13812345678"), (MobileNumber, "一三八一二三四五六七八")], Found("其一13812345678一下，1一三八一二三四五六七八 2"));

    [Fact]
    public void A_card_is_found_behind_digits_that_look_like_a_landline() =>
        Assert.Equal([(BankCard, "6222 0212 3456 7890 128")], Found("010 6222 0212 3456 7890 128"));

    [Theory]
    [InlineData("6222 0212 3456 7890 128", "**** **** **** ***0 128")]
    [InlineData("13812345678", "138****5678")]
    [InlineData("+86 138-1234-5678", "+86 138-****-5678")]
    [InlineData("一三八一二三四五六七八", "一三八****五六七八")]
    [InlineData("010-62345678", "010-****5678")]
    [InlineData("11010519491231002X", "110***********002X")]
    [InlineData("91350100M000100Y43", "9135**********0Y43")]
    [InlineData("DE89 3704 0044 0532 0130 00", "DE89 **** **** **** **30 00")]
    [InlineData("li.wei@example.com", "l*****@example.com")]
    [InlineData("192.168.100.200", "192.168.***.***")]
    [InlineData("2001:db8::8a2e:370:7334", "2001:db8::****:***:****")]
    [InlineData("E12345678", "E*****678")]
    [InlineData("SWIFT ICBKCNBJ", "SWIFT ICBK****")]
    [InlineData("验证码 123 456", "验证码 *** ***")]
    [InlineData("CVV 913", "CVV ***")]
    [InlineData("密码 042013", "密码 ******")]
    public void A_mask_shows_what_banks_show(string text, string masked) => Assert.Equal(masked, PersonalData.Mask(text, PersonalData.Find(text)));

    [Fact]
    public void A_mask_is_lifted_for_the_kinds_that_may_be_seen()
    {
        var release = new PersonalDataStream().Append("手机13812345678，卡6225881214567892。");
        Assert.Equal("手机138****5678，卡************7892。", release.Masked);
        Assert.Equal("手机13812345678，卡************7892。", release.MaskedExcept(kind => kind == MobileNumber));
    }

    private static IEnumerable<(PersonalDataKind, string)> Found(string text) =>
        PersonalData.Find(text).Select(span => (span.Kind, text.Substring(span.Start, span.Length)));
}
