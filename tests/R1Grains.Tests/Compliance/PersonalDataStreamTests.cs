using CsCheck;
using R1Grains.Compliance;

namespace R1Grains.Tests.Compliance;

public sealed class PersonalDataStreamTests
{
    /// <summary>Items, parts of items, and what stands around them: neighbours make the cases that nobody thinks of.</summary>
    private static readonly string[] Fragments =
    [
        "13812345678", "138", "1234", "5678", "6222021234567890128", "6225 8812 1456 7892", "4111", "1111", "6222", "0212", "11010519491231002X", "110105", "19491231", "002", "X", "110105491231002",
        "91350100M000100Y43", "9135", "M000100Y43", "DE89370400440532013000", "DE89", "3704 0044 0532 0130 00", "010", "010-62345678", "(0755)", "82345678", "+86", "86", "0086", "(+86)", "+1 415 555 0132",
        "bob", "@", "x.com", "bob@x.com", ".cn", "192.168.1.2", "192.", "2001:db8::1", "::", "fe80", "E12345678", "G1234567", "ICBKCNBJ", "验证码", "是", "您的", "的", "密码", "code", "one-time ", "password", "otp", "is", "your",
        "cvv", "卡号", "card", "订单号", "order no", "尾号", "身份证", "护照", "swift", "电话", "致电", "tel", "元", "万", "秒", "年", "minutes", "二", "一三八", "〇", "八幺", "①", "⑧", "１３８", "Ｘ", "\u200b", "\u200b\u200b", "\ufe0f",
        " ", " ", " ", "  ", "-", "-", ".", ",", "，", "。", "\n", ":", "：", "_", "#", "¥", "/", "0", "1", "3", "6", "9", "a", "E", "😀", "人",
    ];

    private static readonly Gen<string> Texts = AnyOf(Fragments).Array[0, 24].Select(string.Concat);

    [Fact]
    public void However_a_text_is_cut_the_same_is_found_and_nothing_is_lost() =>
        Gen.Select(Texts, Gen.Int[1, 9].Array[1, 12]).Sample((text, cuts) =>
        {
            var whole = PersonalData.Find(text);
            var stream = new PersonalDataStream();
            var (released, masked, found) = ("", "", new List<PersonalDataSpan>());
            foreach (var piece in Pieces(text, cuts))
            {
                Take(stream.Append(piece));
                Assert.True(stream.Held <= PersonalDataStream.HeldMax + 3 * PersonalDataStream.HeldMax);
            }
            Take(stream.End());
            Assert.Equal(text, released);
            Assert.Equal(whole, found);
            Assert.Equal(PersonalData.Mask(text, whole), masked);

            void Take(PersonalDataRelease release)
            {
                Assert.Equal(released.Length, release.Start);
                Assert.All(release.Spans, span => Assert.True(span.Start >= release.Start && span.End <= release.Start + release.Text.Length));
                released += release.Text;
                masked += release.Masked;
                found.AddRange(release.Spans);
            }
        }, iter: 20_000);

    [Fact]
    public void What_was_released_is_never_part_of_an_item_that_comes_later() =>
        Gen.Select(Texts, Texts).Sample((text, rest) =>
        {
            var stream = new PersonalDataStream();
            var spans = stream.Append(text).Spans;
            var later = PersonalData.Find(text + rest);
            Assert.Equal(spans, later.Where(span => span.Start < stream.Released));
        }, iter: 20_000);

    [Theory]
    [InlineData("请稍等", 0)]
    [InlineData("hello", 5)] // hello@…
    [InlineData("hello ", 0)]
    [InlineData("hello, ", 0)]
    [InlineData("一", 1)]
    [InlineData("一个", 0)]
    [InlineData("金额 100", 3)]
    [InlineData("金额 100 元", 0)]
    [InlineData("2026年", 0)]
    [InlineData("手机138123", 6)]
    [InlineData("手机138 1234 ", 9)]
    [InlineData("手机13812345678", 11)]
    [InlineData("手机13812345678，", 0)]
    [InlineData("卡6225 8812 1456 789", 18)]
    [InlineData("卡6225881214567892。", 0)]
    [InlineData("482913", 6)]
    [InlineData("482913 is", 9)]
    [InlineData("482913 is your", 14)]
    [InlineData("482913 is your one-time", 23)]
    [InlineData("482913 is your one-time-", 9)]
    [InlineData("482913 is your friend ", 0)]
    [InlineData("482913是", 7)]
    [InlineData("482913是谁", 0)]
    [InlineData("bob@example.c", 13)]
    [InlineData("bob@example.com,", 0)]
    [InlineData("+86 1", 5)]
    [InlineData("(0", 2)]
    [InlineData("(你", 0)]
    [InlineData("DE89 3704", 9)]
    [InlineData("91350100M000100Y4", 17)]
    public void Held_is_what_may_still_become_an_item(string text, int held)
    {
        var stream = new PersonalDataStream();
        stream.Append(text);
        Assert.Equal(held, stream.Held);
    }

    /// <summary>Whatever is held, there are words that make an item of it.</summary>
    [Fact]
    public void Nothing_is_held_without_a_reason() =>
        Gen.Select(AnyOf(Whole), Gen.Int[1, 24], AnyOf("", "我的", "so ", "电话 ", "验证码", "订单号")).Sample((item, length, before) =>
        {
            var text = before + item[..Math.Min(length, item.Length)];
            var stream = new PersonalDataStream();
            stream.Append(text);
            if (stream.Held == 0) return;
            var start = stream.Released;
            Assert.True(Continuations(text).Any(rest => PersonalData.Find(text + rest).Any(span => span.Start == start)), $"'{text[start..]}' is held behind '{text[..start]}', and nothing makes an item of it.");
        }, iter: 2_000);

    [Fact]
    public void What_is_held_is_bounded() =>
        AnyOf("a", "1", "6222", "1 ", "一", "@", ".", "a@", "a.", "bob@x.", "+86", "(", "::", "0-", "123456是", "1-1-").Array[1, 3].Sample(parts =>
        {
            var stream = new PersonalDataStream();
            var part = string.Concat(parts);
            for (var i = 0; i < 800; i++)
            {
                stream.Append(part);
                Assert.True(stream.Held <= PersonalDataStream.HeldMax + part.Length, $"{stream.Held} characters of repeated '{part}' are held.");
            }
        }, iter: 300);

    [Fact]
    public void A_long_text_is_read_as_a_short_one()
    {
        var filler = string.Concat(Enumerable.Repeat("请问这笔一年期的定期存款利率是多少？ How much is it? ", 3_000));
        var text = filler + "13812345678" + filler + "bob@x.com";
        Assert.Equal([(filler.Length, 11), ((2 * filler.Length) + 11, 9)], PersonalData.Find(text).Select(span => (span.Start, span.Length)));
    }

    private static readonly string[] Whole =
        ["13812345678", "138 1234 5678", "6225881214567892", "6225 8812 1456 7892", "6222021234567890128", "11010519491231002X", "91350100M000100Y43", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "010-62345678", "(0755)82345678", "+86 138 1234 5678", "li.wei@example.com", "192.168.100.200", "2001:db8::8a2e:370:7334", "E12345678", "+86 13912345678", "482913 is your verification code", "482913是您的验证码"];

    /// <summary>The rests of items, a mailbox's domain, and digits with every last sign, one of which is right.</summary>
    private static IEnumerable<string> Continuations(string text)
    {
        foreach (var rest in (string[])["", "@a.cn", "a@a.cn", "1@a.cn", " verification code", "是验证码", "1是验证码", "12是验证码", "123是验证码", "的验证码", "证码", "码", "时密码"]) yield return rest;
        foreach (var item in Whole)
            for (var i = 1; i < item.Length; i++)
                if (text.EndsWith(item[..i], StringComparison.Ordinal)) yield return item[i..];
        foreach (var fill in (string[])["0000000000000000000", "1111111111111111111", "0119900101001111111", "1010119900101001111", "9900101001111111111", "0199001010011111111", "1990010100111111111", "M000000000000000000", "0000M00000000000000"])
            for (var length = 0; length < fill.Length; length++)
                foreach (var last in "0123456789ABCDEFGHJKLMNPQRTUWXY")
                    yield return fill[..length] + last;
    }

    private static Gen<string> AnyOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static IEnumerable<string> Pieces(string text, int[] cuts)
    {
        for (var (at, i) = (0, 0); at < text.Length; i++)
        {
            var length = Math.Min(cuts[i % cuts.Length], text.Length - at);
            yield return text.Substring(at, length);
            at += length;
        }
    }
}
