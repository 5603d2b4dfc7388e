using CsCheck;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Tests.Models;

public sealed class VisibleTextTests
{
    private static readonly string[] Fragments =
    [
        "a", "1", " ", "，", "转", "账", "葛", "\n", "\r\n", "\t", "<", "|", "@", "©", "ℹ", "❤", "😀", "👩", "🏽", "⚕", "🏴", "م", "ی", "ක", "්", "ᠠ", "∩", "\u20E3", "\ud83d", "\ude00",
        "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2066", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u3164", "\uffa0", "\u180b", "\ufe00", "\ufe0e", "\ufe0f", "\u0000", "\u001b", "\u0085", "\u000b",
        "\U000E0041", "\U000E0001", "\U000E0100", "\U000E01EF", "\U000E0800", "\U0001BCA0", "\U0001D173",
    ];

    [Theory]
    [InlineData("转\u200b账\u2060", "转账")]
    [InlineData("\ufeffhi", "hi")]
    [InlineData("a\u200db\u200cc", "abc")]
    [InlineData("1\u200d2", "12")]
    [InlineData("abc\u202edcba\u202c \u2066x\u2069\u200e\u200f\u061c", "abcdcba x")]
    [InlineData("pay\u00adment", "payment")]
    [InlineData("hi\U000E0069\U000E0067\U000E006E\U000E006F\U000E0072\U000E0065", "hi")] // "ignore", in tags
    [InlineData("😀\uFE0F\uFE0E\U000E0100\U000E0121", "😀\uFE0F")] // bytes behind an emoji
    [InlineData("a\uFE01b\uFE0Fc\U000E0155", "abc")]
    [InlineData("6\uFE0F2\uFE0F2", "622")]
    [InlineData("<\uFE0F|\uFE0F", "<|")]
    [InlineData("\u3164\uFFA0\u115F\u034F\u17B4", "")]
    [InlineData("\0a\u001b[31mb\u0007\u007f\u009b", "a[31mb")]
    [InlineData("a\u0085b\u000bc", "a\nb\nc")]
    public void What_no_reader_sees_goes(string text, string visible) => Assert.Equal(visible, VisibleText.Of(text).Text);

    [Fact]
    public void Half_a_character_does_not_meet_its_other_half() => Assert.Equal("\ufffd\ufffd", VisibleText.Of("\ud83d\u200b\ude00").Text);

    [Theory]
    [InlineData("您好，卡号6225 8812。\r\n\tYes – “quoted”, naïve, e\u0301.")]
    [InlineData("❤️ ☎︎ ℹ️ ©️ ‼️ 1️⃣ #️⃣")]
    [InlineData("👨‍👩‍👧‍👦 👩🏽‍⚕️ 🏳️‍🌈 🇨🇳")]
    [InlineData("葛\U000E0100城 㐂\uFE00 ∩\uFE00")]
    [InlineData("می‌خواهم ක්‍ෂ क्‍ष ᠠ\u180B")]
    public void What_changes_how_a_neighbour_looks_stays(string text) => Assert.Equal(text, VisibleText.Of(text).Text);

    [Fact]
    public void A_place_in_the_visible_text_is_known_in_the_source_and_nothing_seen_is_lost() =>
        Gen.Int[0, Fragments.Length - 1].Select(i => Fragments[i]).Array[0, 24].Select(string.Concat).Sample(text =>
        {
            var visible = VisibleText.Of(text);
            Assert.Equal(visible.Text, VisibleText.Of(visible.Text).Text);
            var last = -1;
            for (var at = 0; at < visible.Text.Length; at++)
            {
                var (start, end) = visible.InSource(at, at + 1);
                Assert.True(start > last && end == start + 1);
                Assert.True(visible.Text[at] == text[start] || (visible.Text[at] == '\n' && text[start] is '\u0085' or '\u000b') || (visible.Text[at] == '\ufffd' && char.IsSurrogate(text[start])));
                last = start;
            }
            if (visible.Text.Length > 1) Assert.Equal((visible.InSource(0, 1).Start, last + 1), visible.InSource(0, visible.Text.Length));
            Assert.Equal(Seen(text.Replace('\u0085', '\n').Replace('\u000b', '\n')), Seen(visible.Text));
        }, iter: 20_000);

    private static string Seen(string text) => string.Concat(text.EnumerateRunes().Where(rune => Fragments.Take(30).Any(seen => seen.Contains(rune.ToString(), StringComparison.Ordinal)) || rune.Value == 0xFFFD));
}
