using System.Text;
using R1Grains.Engine.Models;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Tokenization;

namespace R1Grains.Tuning.Tests.Tokenization;

public sealed class BpeTrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<byte[]> _tokens;
    private readonly Tokenizer _tokenizer;

    public BpeTrainerTests()
    {
        var texts = new DialogueGenerator(seed: 5).Take(300).SelectMany(d => d.Utterances).SelectMany(u => u.Passages.Append(u.Text));
        (_tokens, var merges) = BpeTrainer.Train(texts, 1_500);
        TokenizerFolder.Write(_folder.Path, _tokens, merges, 2_048);
        _tokenizer = Tokenizer.Load(_folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("青穗白金卡的取现手续费是0.73%，最低10元。")]
    [InlineData("The Greenear Card's fee is 1,234.56 yuan.\n\n- point  two\t")]
    [InlineData("🙂👩‍👩‍👧 ½ ﷽ 龘 𠮷 café naïve\r\n")]
    [InlineData("<think>plain text</think><｜User｜>")]
    public void Text_comes_back_as_it_was(string text) => Assert.Equal(text, _tokenizer.Decode(_tokenizer.Encode(text)));

    [Fact]
    public void Each_digit_is_a_token_of_its_own() =>
        Assert.Equal(["1", "2", "3", "4", ".", "5", "%"], _tokenizer.Encode("1234.5%").Select(id => _tokenizer.Decode([id])));

    [Fact]
    public void No_token_joins_parts_of_two_characters_or_a_word_with_punctuation()
    {
        foreach (var token in _tokens.Where(t => t.Length > 1))
        {
            var text = Encoding.UTF8.GetString(token);
            var isBeginning = text.Contains('\ufffd') && new UTF8Encoding(false, false).GetCharCount(token) == 1;
            Assert.True(isBeginning || !text.Contains('\ufffd'), Convert.ToHexString(token));
            Assert.True(isBeginning || text.EnumerateRunes().Count() == 1 || text.All(char.IsWhiteSpace) || text.TrimStart(' ').All(char.IsLetter), text);
        }
    }

    [Fact]
    public void A_name_is_cut_the_same_way_wherever_it_stands()
    {
        var name = _tokenizer.Encode("青穗白金卡");
        foreach (var around in new[] { "请问{0}的年费", "{0}年费", "【{0}】", "VIP{0}卡" })
            Assert.Contains(string.Join(',', name), string.Join(',', _tokenizer.Encode(string.Format(null, around, "青穗白金卡"))));
    }

    [Fact]
    public void The_chat_template_is_that_of_deepseek()
    {
        var template = ChatTemplate.Load(_folder.Path, _tokenizer);
        var prompt = template.Render([new ChatMessage(ChatRole.User, "你好")]);
        Assert.Equal("<｜begin▁of▁sentence｜><｜User｜>你好<｜Assistant｜><think>\n", _tokenizer.Decode(prompt, showSpecials: true));
        Assert.Equal(TokenizerFolder.End, _tokenizer.Decode([template.StopIds[0]], showSpecials: true));
    }
}
