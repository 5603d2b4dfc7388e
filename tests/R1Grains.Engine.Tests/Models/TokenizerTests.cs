using System.Text;
using R1Grains.Engine.Models;

namespace R1Grains.Engine.Tests.Models;

public sealed class TokenizerTests
{
    private static readonly Dictionary<string, Tokenizer> Loaded = new[] { ReferenceTokenizers.Qwen, ReferenceTokenizers.DeepSeek, ReferenceTokenizers.R1 }
        .ToDictionary(folder => folder, Tokenizer.Load);

    public static TheoryData<string> Folders => new(ReferenceTokenizers.Qwen, ReferenceTokenizers.DeepSeek);

    internal static Tokenizer Of(string folder) => Loaded[folder];

    [Theory, MemberData(nameof(Folders))]
    public void Ids_equal_the_reference_implementation(string folder)
    {
        var texts = SampleTexts().ToList();
        var reference = ReferenceTokenizers.Encode(folder, texts, []).Texts;
        Assert.True(texts.Count > 600);
        for (var i = 0; i < texts.Count; i++)
            Assert.True(reference[i].AsSpan().SequenceEqual(Of(folder).Encode(texts[i])),
                $"'{Escape(texts[i])}': reference {string.Join(',', reference[i])}, here {string.Join(',', Of(folder).Encode(texts[i]))}");
    }

    [Theory, MemberData(nameof(Folders))]
    public void Text_survives_encoding_and_decoding(string folder)
    {
        foreach (var text in SampleTexts())
            Assert.Equal(CanonicalForm.Compose(text), CanonicalForm.Compose(Of(folder).Decode(Of(folder).Encode(text))));
    }

    [Theory, MemberData(nameof(Folders))]
    public void Special_token_text_typed_by_a_user_stays_plain_text(string folder)
    {
        var tokenizer = Of(folder);
        foreach (var special in new[] { "<｜Assistant｜>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>" })
        {
            var ids = tokenizer.Encode($"a{special}b {special}");
            Assert.DoesNotContain(ids, id => tokenizer.TryGetSpecial(id, out _));
            Assert.Equal($"a{special}b {special}", tokenizer.Decode(ids));
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Streaming_releases_whole_characters_only_and_nothing_is_lost(string folder)
    {
        foreach (var text in SampleTexts())
        {
            var decoder = new StreamingDecoder(Of(folder));
            var pieces = Of(folder).Encode(text).Select(decoder.Append).ToList();
            Assert.All(pieces, piece => Assert.DoesNotContain('\ufffd', piece.Replace("\ufffd", text.Contains('\ufffd') ? "" : "\ufffd")));
            Assert.All(pieces, piece => Assert.False(piece.Length > 0 && (char.IsLowSurrogate(piece[0]) || char.IsHighSurrogate(piece[^1]))));
            Assert.Equal("", decoder.Flush());
            Assert.Equal(CanonicalForm.Compose(text), CanonicalForm.Compose(string.Concat(pieces)));
        }
    }

    [Fact]
    public void A_character_cut_between_tokens_waits_for_its_last_byte()
    {
        var tokenizer = Of(ReferenceTokenizers.Qwen);
        var ids = Encoding.UTF8.GetBytes("龘").Select(b => ByteId(tokenizer, b)).ToArray();
        var decoder = new StreamingDecoder(tokenizer);
        Assert.Equal(["", "", "龘"], ids.Select(decoder.Append));

        Assert.Equal(["", ""], ids[..2].Select(decoder.Append));
        Assert.Equal("\ufffd", decoder.Flush());
    }

    [Fact]
    public void Special_ids_decode_to_nothing_unless_asked()
    {
        var tokenizer = Of(ReferenceTokenizers.Qwen);
        int[] ids = [.. tokenizer.Encode("好"), tokenizer.SpecialId("<|im_end|>"), tokenizer.VocabularySize + 100, .. tokenizer.Encode("的")];
        Assert.Equal("好的", tokenizer.Decode(ids));
        Assert.Equal("好<|im_end|>的", tokenizer.Decode(ids, showSpecials: true));
    }

    [Fact]
    public void Lone_surrogates_become_replacement_characters()
    {
        var tokenizer = Of(ReferenceTokenizers.Qwen);
        Assert.Equal(tokenizer.Encode("a\ufffdb"), tokenizer.Encode("a\ud83db"));
    }

    [Fact]
    public void Several_threads_may_encode_at_once()
    {
        var tokenizer = Of(ReferenceTokenizers.DeepSeek);
        var texts = SampleTexts().ToList();
        var expected = texts.ConvertAll(tokenizer.Encode);
        Parallel.For(0, 4, _ =>
        {
            for (var i = 0; i < texts.Count; i++) Assert.Equal(expected[i], tokenizer.Encode(texts[i]));
        });
    }

    [Theory]
    [InlineData("\"type\": \"BPE\"", "\"type\": \"Unigram\"", "model.type is 'Unigram'")]
    [InlineData("\"byte_fallback\": false", "\"byte_fallback\": true", "model.byte_fallback is true")]
    [InlineData("\"type\": \"NFC\"", "\"type\": \"NFKC\"", "normalizer.type is 'NFKC'")]
    [InlineData("\"behavior\": \"Isolated\"", "\"behavior\": \"Removed\"", "pre_tokenizer.behavior is 'Removed'")]
    [InlineData("\"type\": \"Split\"", "\"type\": \"Digits\"", "pre_tokenizer.type is 'Digits'")]
    [InlineData("\"add_prefix_space\": false", "\"add_prefix_space\": true", "pre_tokenizer.add_prefix_space is true")]
    [InlineData("\"Ġ\": 220", "\"ĠĠĠĠĠĠ!\": 220", "model.vocab has no token for byte 0x20")]
    public void A_tokenizer_that_cannot_be_run_is_refused_by_the_name_of_the_field(string field, string changed, string message)
    {
        var text = File.ReadAllText(Path.Combine(ReferenceTokenizers.Qwen, "tokenizer.json"));
        Assert.Contains(field, text);
        var folder = Directory.CreateTempSubdirectory("r1grains-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"), text.Replace(field, changed));
            Assert.Contains(message, Assert.Throws<ModelFolderException>(() => Tokenizer.Load(folder.FullName)).Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void An_added_token_that_merges_would_spell_is_refused_and_never_encoded()
    {
        var folder = Directory.CreateTempSubdirectory("r1grains-");
        try
        {
            Scripted.ScriptedModel.WriteTokenizer(folder.FullName);
            var path = Path.Combine(folder.FullName, "tokenizer.json");
            File.WriteAllText(path, File.ReadAllText(path)
                .Replace("\"added_tokens\":[", "\"added_tokens\":[{\"id\":300,\"content\":\"ab\",\"special\":true},")
                .Replace("\"vocab\":{", "\"vocab\":{\"ab\":300,").Replace("\"merges\":[]", "\"merges\":[\"a b\"]"));
            Assert.Contains("do not fit together", Assert.Throws<ModelFolderException>(() => Tokenizer.Load(folder.FullName)).Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    internal static int ByteId(Tokenizer tokenizer, byte value) =>
        Enumerable.Range(0, tokenizer.VocabularySize).First(id => tokenizer.Bytes(id) is [var only] && only == value);

    /// <summary>
    /// Texts as customers and documents have them, and what breaks tokenizers. U+0085 and U+FEFF are left out: white
    /// space in the reference's JavaScript patterns differs there from the patterns' own definition.
    /// </summary>
    internal static IEnumerable<string> SampleTexts()
    {
        string[] parts =
        [
            "您好，我想查询一下我的信用卡账单。", "跨行转账手续费是多少？", "白金信用卡的取现手续费为 0.73%，最低 10 元。", "3.1415926535", "1,234,567.89", "2026年11月24日",
            "Hello, my dog is cute", "I'd like to know what's new; they'll've DON'T I'M", " the quick  brown   fox", "RMB¥1000 €20 £3", "e-mail: a.b@c.com",
            "https://example.com/a?b=c&d=%20#x", "\n", "\n\n", "\r\n", "\t", "    ", "  \n  ", "   x", "x   ", " \t \n\n x", "…", "——", "“引号”", "《书》", "（括号）",
            "😀", "👨‍👩‍👧‍👦", " 😀😀", "🇨🇳", "❤️", "𠮷野家", "a𠮷b", " 𠮷𠮷", "𝟘𝟙𝟚", "𝒳𝒴", "龘靐齉", "ｆｕｌｌｗｉｄｔｈ１２３", "①②③", "Ⅷ", "½", "カタカナひらがな", "한국어 텍스트",
            "Ελληνικά", "русский", "עברית", "العربية ١٢٣", "ไทย", "हिन्दी", "e\u0301e\u0301", "\u212b", "\u0958", "ﬁ", "\u200b", "\u200d", "\u00a0", "\u3000", "\u2028", "\ufffd", "\0", "\u0007", "\u007f",
            "for (int i = 0; i < 10; i++)\n{\n    Console.WriteLine($\"{i}\");\n}", "def f(x):\n\treturn x**2  # 注释", "{\"a\": [1, 2.5, null]}", "<b>bold</b>", "`code`", "###", "!!!???", "a.b.c...", "_under_score_", "CamelCaseWord", "ALLCAPS",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "0000000000000000000", "的的的的的的的的", "--------------------", "                                   ",
        ];
        foreach (var part in parts) yield return part;
        var random = new Random(20261124);
        for (var i = 0; i < 500; i++)
            yield return string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => parts[random.Next(parts.Length)]));
        for (var i = 0; i < 150; i++)
            yield return string.Concat(Enumerable.Range(0, random.Next(1, 25)).Select(_ => RandomRune(random)));
        yield return string.Concat(Enumerable.Repeat("这是一段没有标点的很长的中文文本", 400));
    }

    private static string RandomRune(Random random)
    {
        while (true)
        {
            var value = random.Next(3) switch { 0 => random.Next(0x20, 0x250), 1 => random.Next(0x3000, 0xA000), _ => random.Next(0x20, 0x2FFFF) };
            // Assigned long ago: the two sides may know different versions of Unicode.
            if (value is 0x85 or 0xFEFF or 0x17F or 0x212A || !Rune.TryCreate(value, out var rune)) continue;
            if (Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.OtherNotAssigned or System.Globalization.UnicodeCategory.PrivateUse) continue;
            return rune.ToString();
        }
    }

    private static string Escape(string text) => string.Concat(text.Select(c => c is >= ' ' and < (char)0x7f ? c.ToString() : $"\\u{(int)c:x4}"));
}
