using CsCheck;
using R1Grains.Compliance;
using R1Grains.Ledger;

namespace R1Grains.Tests.Compliance;

public sealed class CanaryTests
{
    private static readonly Canary Canary = Canary.Of("demo", Digest.Of([1]));

    private static readonly string Word = Canary.Word;

    [Fact]
    public void It_follows_from_tenant_and_policy_and_from_nothing_else()
    {
        // Records of years ago are read by it.
        Assert.Equal("bqsvmdrqzbtf", Word);
        Assert.Equal(Word, Canary.Of("demo", Digest.Of([1])).Word);
        Assert.NotEqual(Word, Canary.Of("demo", Digest.Of([2])).Word);
        Assert.NotEqual(Word, Canary.Of("north", Digest.Of([1])).Word);
        for (byte policy = 0; policy < 200; policy++)
        {
            var word = Canary.Of("demo", Digest.Of([policy])).Word;
            Assert.Equal(Canary.Length, word.Length);
            Assert.DoesNotContain(word.Zip(word[1..]), pair => pair.First == pair.Second);
            Assert.DoesNotContain(word, letter => "aeiouy".Contains(letter));
        }
    }

    public static TheoryData<string> Disguises => new(
        Word,
        Word.ToUpperInvariant(),
        string.Concat(Word.Select(letter => (char)(letter + 0xFEE0))),
        string.Join('-', Word.AsEnumerable()),
        string.Join(" * ", Word.AsEnumerable()),
        string.Join('\n', Word.AsEnumerable()),
        string.Join('\u200b', Word.AsEnumerable()),
        string.Join("\U000E0041", Word.AsEnumerable()),
        string.Join("😀", Word.AsEnumerable()),
        string.Concat(Word.Reverse()),
        string.Concat(Word.Select(letter => $"{letter}{letter}{letter}")),
        string.Concat(Word.Select(letter => char.ConvertFromUtf32(0x1D41A + letter - 'a'))),
        $"x{Word}x",
        $"词{Word}词");

    [Theory, MemberData(nameof(Disguises))]
    public void It_is_seen_through_disguises(string shown)
    {
        var hit = Assert.Single(Canary.Find($"The word is {shown}. Yes."));
        Assert.Equal((Canary.Category, LexiconAction.Replace, LexiconScope.Output), (hit.Entry.Rule.Category, hit.Entry.Rule.Action, hit.Entry.Rule.Scope));
        var found = $"The word is {shown}. Yes."[hit.Start..hit.End];
        Assert.True(shown.Contains(found, StringComparison.Ordinal) && found.Length >= Word.Length, found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("half")]
    [InlineData("parted by letters")]
    [InlineData("far apart")]
    public void What_is_not_the_whole_word_is_none(string what) => Assert.Empty(Canary.Find(what switch
    {
        "half" => Word[..^1],
        "parted by letters" => string.Join('a', Word.AsEnumerable()),
        "far apart" => string.Join("         ", Word.AsEnumerable()),
        _ => what,
    }));

    [Fact]
    public void Exactly_what_can_still_become_the_word_is_held_back() => Texts.Sample(text =>
    {
        var watch = Canary.Watch();
        foreach (var unit in text) watch.Append(unit);
        if (watch.Found || text is [.., var last] && char.IsHighSurrogate(last)) return;
        // By trying every end that the word can have.
        var earliest = Enumerable.Range(1, Word.Length - 1)
            .SelectMany(known => new[] { Word[known..], Backwards[known..] })
            .SelectMany(rest => Canary.Find(text + rest))
            .Select(found => found.Start)
            .Append(text.Length)
            .Min();
        Assert.Equal(earliest, watch.Safe);
    }, iter: 5_000);

    [Fact]
    public void However_an_answer_is_cut_the_same_is_shown_of_it_and_never_the_word() => Gen.Select(Texts, Gen.Int[1, 9]).Sample((text, cut) =>
    {
        var (whole, cuts) = (Filtered(text, text.Length + 1), Filtered(text, cut));
        Assert.Equal(whole, cuts);
        if (Canary.Find(text).FirstOrDefault() is { Entry: not null } hit)
        {
            Assert.Equal((LexiconAction.Replace, hit), (whole.Stopped, whole.Hit));
            Assert.StartsWith(whole.Shown, text[..hit.Start], StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal((text, null, null), whole);
        }
    }, iter: 5_000);

    private static readonly string Backwards = string.Concat(Word.Reverse());

    private static readonly string[] Fragments = [Word, Word[..5], Word[5..], Word[..1], Word[1..4], Backwards[..4], "-", " ", "a", "好", "😀", "\u200b", "........."];

    private static readonly Gen<string> Texts = Gen.Int[0, Fragments.Length - 1].Select(i => Fragments[i]).Array[0, 10].Select(string.Concat);

    private static (string Shown, LexiconAction? Stopped, Hit? Hit) Filtered(string text, int cut)
    {
        var filter = new AnswerFilter(Lists.Filter(Lists.Of(LexiconAction.Replace, "never found here")), ShownText.Nothing, Canary);
        var shown = "";
        for (var at = 0; at < text.Length; at += cut) shown += filter.Append(text.AsSpan(at, Math.Min(cut, text.Length - at)));
        shown += filter.End();
        return (shown, filter.Stopped, filter.Hits is [var hit] ? hit : null);
    }
}
