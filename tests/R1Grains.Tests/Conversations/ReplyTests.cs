using System.Globalization;
using System.Text;
using CsCheck;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Ledger;
using R1Grains.Tests.Compliance;

namespace R1Grains.Tests.Conversations;

public sealed class ReplyTests
{
    private static readonly Model Model = ScriptedModel.Create();
    private static readonly Guardrail Unguarded = With(Lexicon.Of([]));
    private static readonly Model WithoutReasoning = ScriptedModel.Create(template: ScriptedModel.ChatMl);

    [Theory]
    [InlineData("好的。年费为180元。", "好的。|年费为180元。")]
    [InlineData("The fee is 3.14 yuan. It is 50,000, at 9:30!", "The fee is 3.14 yuan.| It is 50,000,| at 9:30!")]
    [InlineData("他说：“可以。”然后走了。", "他说：|“可以。”|然后走了。")]
    [InlineData("Really?! (Yes.) Fine…", "Really?!| (Yes.)| Fine…")]
    [InlineData("one\n\ntwo", "one\n\n|two")]
    [InlineData("see www.bank.com, please", "see www.bank.com,| please")]
    [InlineData("no end", "no end")]
    [InlineData("甲、乙、丙都可以", "甲、乙、丙都可以")]
    [InlineData("done.   \n ", "done.")]
    public void Units_end_at_clauses(string answer, string units) =>
        Assert.Equal(units.Split('|'), Units(Model, Ids($"hm\n</think>\n\n{answer}")));

    [Fact]
    public void No_answer_of_more_than_60_characters_comes_in_one_piece()
    {
        foreach (var answer in new[] { new string('长', 61), new string('x', 200), string.Concat(Enumerable.Repeat("word ", 40)), string.Concat(Enumerable.Repeat("👩‍👩‍👧‍👦", 40)) })
        {
            var units = Units(Model, Ids($"</think>{answer}"));
            Assert.True(units.Count > 1);
            Assert.All(units, unit => Assert.InRange(unit.Length, 1, ReleaseUnits.CharactersMax));
            Assert.Equal(answer.TrimEnd(), string.Concat(units).TrimEnd());
        }
    }

    [Fact]
    public void Reasoning_is_never_released()
    {
        var reply = new Reply(Model, [], Unguarded);
        var units = Feed(reply, Ids("The customer asks. Secret: 42。\n</think>\n\nHello."));
        Assert.Equal(["Hello."], units);
        Assert.Equal("The customer asks. Secret: 42。", reply.Reasoning);
        Assert.Equal(Encoding.UTF8.GetByteCount("The customer asks. Secret: 42。\n") + 1, reply.ReasoningTokens);
    }

    [Fact]
    public void A_reply_that_never_ends_its_reasoning_releases_nothing()
    {
        var reply = new Reply(Model, [], Unguarded);
        Assert.Empty(Feed(reply, Ids("I think. And think.")));
        Assert.Equal(0, reply.AnswerTokens);
    }

    [Fact]
    public void A_model_that_does_not_reason_answers_at_once() =>
        Assert.Equal(["Hello.", " There."], Units(WithoutReasoning, Ids("\n Hello. There.")));

    [Fact]
    public void A_model_that_opens_its_reasoning_itself_is_understood()
    {
        var reply = new Reply(WithoutReasoning, [], Unguarded);
        Assert.Equal(["Hello."], Feed(reply, Ids("<think>hidden.</think>\n\nHello.")));
        Assert.Equal("hidden.", reply.Reasoning);
    }

    [Theory]
    [InlineData("hm</think>好的。<think>secret</think>180元", "好的。|180元", "hmsecret")]
    [InlineData("hm</think>好<think>secret</think>的。<think>again", "好的。", "hmsecretagain")]
    [InlineData("<think>hm</think>\n\n<think>secret</think>\n\n180元", "180元", "hmsecret")]
    public void Thinking_again_is_reasoning_too(string text, string units, string reasoning)
    {
        var reply = new Reply(Model, [], Unguarded);
        Assert.Equal(units.Split('|'), Feed(reply, Ids(text)));
        Assert.Equal(reasoning, reply.Reasoning);
    }

    [Theory]
    [InlineData("\n<think>secret</think>180元", "180元")]
    [InlineData("\n\n<think>secret", "")]
    public void Blank_lines_before_the_thinking_do_not_show_it(string text, string answer)
    {
        var reply = new Reply(WithoutReasoning, [], Unguarded);
        Assert.Equal(answer, string.Concat(Feed(reply, Ids(text))));
        Assert.Equal("secret", reply.Reasoning);
    }

    [Fact]
    public void A_closing_tag_that_is_only_text_does_not_end_the_reasoning()
    {
        var reply = new Reply(Model, [], Unguarded);
        Assert.Empty(Feed(reply, [.. Encoding.UTF8.GetBytes("a </think> b.").Select(b => (int)b)]));
    }

    [Fact]
    public void Nothing_is_released_from_a_stop_string_on()
    {
        var reply = new Reply(Model, ["END", "END OF"], Unguarded);
        Assert.Equal(["One.", " Two "], Feed(reply, Ids("</think>One. Two END OF Three.")));
    }

    [Fact]
    public void Half_a_stop_string_is_held_until_it_is_none()
    {
        var reply = new Reply(Model, ["。。"], Unguarded);
        foreach (var id in Ids("</think>好。")) reply.Append(id);
        Assert.Null(reply.Next());
        foreach (var id in Ids("的")) reply.Append(id);
        Assert.Equal("好。", reply.Next());
    }

    [Fact]
    public void Held_text_is_due_but_not_half_an_emoji()
    {
        var reply = new Reply(Model, [], Unguarded);
        foreach (var id in Ids("</think>你好")) reply.Append(id);
        Assert.Equal("你好", reply.Due());
        foreach (var id in Ids("ok 👩")) reply.Append(id);
        Assert.Equal("ok ", reply.Due());
        foreach (var id in Ids("\u200D👧!")) reply.Append(id);
        reply.End();
        Assert.Equal("👩\u200D👧!", reply.Next());
    }

    [Fact]
    public void However_a_reply_is_cut_and_timed_its_pieces_are_its_answer_and_replay_to_the_same_state() =>
        Gen.Select(Gen.Int[0, Fragments.Length - 1].Select(i => Fragments[i]).Array[0, 40], Gen.Int[0, 1 << 20]).Sample((fragments, seed) =>
        {
            var ids = Ids($"hm</think>\n\n{string.Concat(fragments)}");
            var random = new Random(seed);
            var reply = new Reply(Model, ["STOP"], Unguarded);
            var pieces = new List<(List<int> Ids, string Text)>();
            var pending = new List<int>();

            void Piece(string? text)
            {
                if (text is null) return;
                pieces.Add((pending, text));
                pending = [];
            }

            foreach (var id in ids)
            {
                reply.Append(id);
                pending.Add(id);
                while (reply.Next() is { } unit) Piece(unit);
                if (random.Next(12) == 0) Piece(reply.Due());
            }
            reply.End();
            while (reply.Next() is { } unit) Piece(unit);

            var answer = string.Concat(fragments).TrimStart();
            answer = answer.Contains("STOP", StringComparison.Ordinal) ? answer[..answer.IndexOf("STOP", StringComparison.Ordinal)] : answer;
            var released = string.Concat(pieces.Select(piece => piece.Text));
            Assert.StartsWith(released, answer);
            Assert.True(string.IsNullOrWhiteSpace(answer[released.Length..]));
            Assert.All(pieces, piece => Assert.InRange(piece.Text.Length, 1, ReleaseUnits.CharactersMax));
            AssertWholeCharacters(answer, pieces.Select(piece => piece.Text));

            var again = new Reply(Model, ["STOP"], Unguarded);
            Assert.All(pieces, piece => Assert.True(again.Replay(piece.Ids, piece.Text)));
            Assert.Equal(reply.Holds, again.Holds);
        }, iter: 3_000);

    [Fact]
    public void A_piece_that_its_ids_do_not_give_is_noticed()
    {
        Assert.True(new Reply(Model, [], Unguarded).Replay(Ids("</think>好的，"), "好的，"));
        Assert.False(new Reply(Model, [], Unguarded).Replay(Ids("</think>好的，"), "好吧，"));
        Assert.False(new Reply(Model, [], Unguarded).Replay(Ids("好的，"), "好的，"));
    }

    [Theory]
    [InlineData("We are Acme  Bank. Bye.", "We are **********.| Bye.")]
    [InlineData("We are acme bankers. Bye.", "We are acme bankers.| Bye.")]
    [InlineData("Sure: a golden-goose. Bye.", "Sure:|\nI'm sorry, I can't help with this. Please contact our staff.")]
    [InlineData("golden goose", "I'm sorry, I can't help with this. Please contact our staff.")]
    public void What_must_not_pass_is_covered_or_replaced(string answer, string units) =>
        Assert.Equal(units.Split('|'), Feed(new Reply(Model, [], Guarded), Ids($"</think>{answer}")));

    [Fact]
    public void A_word_that_reasoning_cuts_in_two_is_a_word() =>
        Assert.Equal(["We are *********."], Feed(new Reply(Model, [], Guarded), Ids("</think>We are acme<think>hm</think> bank.")));

    [Fact]
    public void Hits_say_where_they_are_and_which_entry_and_not_what_was_said()
    {
        var reply = new Reply(Model, [], Guarded);
        Feed(reply, Ids("\nThe acme bank?</think>\n\nacme bank and golden goose"));
        Assert.Equal(
            [
                new(HitPlace.Answer, 0, 9, Acme.Id, "test", 5, HitAction.Mask),
                new(HitPlace.Answer, 14, 26, Goose.Id, "test", 5, HitAction.Replace),
                new LexiconHit(HitPlace.Reasoning, 4, 13, Acme.Id, "test", 5, HitAction.Mask),
            ],
            reply.Hits);
        Assert.Equal("acme bank", reply.Reasoning[4..13]);
    }

    [Fact]
    public void However_a_guarded_reply_is_timed_nothing_forbidden_is_released_and_a_replay_at_any_piece_goes_on_alike() =>
        Gen.Select(Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[0, 30], Gen.Int[0, 1 << 20]).Sample((words, seed) =>
        {
            var (ids, random) = (Ids($"hm</think>\n\n{string.Concat(words)}"), new Random(seed));
            var (reply, pieces, pending) = (new Reply(Model, [], Guarded), new List<(int[] Ids, string Text)>(), new List<int>());

            void Piece(string? text)
            {
                if (text is null) return;
                pieces.Add(([.. pending], text));
                pending.Clear();
            }

            void Run(Reply reply, IEnumerable<int> ids, int dueOneIn)
            {
                foreach (var id in ids)
                {
                    reply.Append(id);
                    pending.Add(id);
                    while (reply.Next() is { } unit) Piece(unit);
                    if (random.Next(dueOneIn) == 0) Piece(reply.Due());
                    if (reply.IsStopped) return;
                }
                reply.End();
                while (reply.Next() is { } unit) Piece(unit);
            }

            Run(reply, ids, 12);
            var released = string.Concat(pieces.Select(piece => piece.Text));
            Assert.Empty(Guarded.Lexicon.Inspect(released, LexiconScope.Output, null, Lists.Today).Hits);
            Assert.Equal(reply.IsStopped, released.EndsWith(Guarded.Words, StringComparison.Ordinal));

            // Another activation has the pieces up to one of them, and gets the ids behind them.
            var kept = pieces.Take(random.Next(pieces.Count + 1)).ToList();
            var again = new Reply(Model, [], Guarded);
            Assert.All(kept, piece => Assert.True(again.Replay(piece.Ids, piece.Text)));
            if (kept.Count == pieces.Count) Assert.Equal((reply.IsStopped, reply.Holds), (again.IsStopped, again.Holds));
            (pieces, pending) = (kept, []);
            if (!again.IsStopped) Run(again, ids.Skip(kept.Sum(piece => piece.Ids.Length)), int.MaxValue);
            var whole = string.Concat(pieces.Select(piece => piece.Text));
            Assert.Equal(reply.IsStopped, again.IsStopped);
            // Where the clock cut decides whether blank ends are worth a piece.
            if (!reply.IsStopped) Assert.Equal(released.TrimEnd(), whole.TrimEnd());
            Assert.Empty(Guarded.Lexicon.Inspect(whole, LexiconScope.Output, null, Lists.Today).Hits);
        }, iter: 3_000);

    [Fact]
    public void What_another_lexicon_released_stays_and_the_rest_is_filtered_by_this_one()
    {
        // It knew no word, and the clock cut in the midst of what is one by now.
        var reply = new Reply(Model, [], Guarded);
        Assert.True(reply.Replay(Ids("</think>An acme bank. An ac"), "An acme bank."));
        Assert.True(reply.Replay(Ids("me ban"), " An ac"));
        Assert.Equal(["*******.", " An *********."], Feed(reply, Ids("k. An acme bank.")));

        // It covered what is no word any more.
        var other = new Reply(Model, [], Guarded);
        Assert.True(other.Replay(Ids("</think>A hidden word. "), "A ****** word."));
        Assert.Equal([" A hidden word."], Feed(other, Ids("A hidden word.")));

        // It let go what ends a turn now.
        var late = new Reply(Model, [], Guarded);
        Assert.True(late.Replay(Ids("</think>A golden goose. A"), "A golden goose."));
        Assert.Equal((true, $"\n{Guarded.Words}", null), (late.IsStopped, late.Next(), late.Next()));
    }

    [Fact]
    public void Words_of_the_guardrail_are_known_again_whoever_said_them()
    {
        var reply = new Reply(Model, [], Unguarded);
        Assert.True(reply.Replay(Ids("</think>One. A golden goose"), "One."));
        Assert.True(reply.Replay([], $"\n{Guarded.Words}"));
        Assert.True(reply.IsStopped);
        Assert.Null(reply.Next());
    }

    private static readonly string[] Words = ["acme", " ", "bank", "ba", "a", "acme bank", "golden", " goose", "我们", "是", "，", "。", ". ", "\n", "!", "👍", "ac", "me ", "word "];

    private static readonly string[] Fragments =
        ["好", "的", "，", "。", "！", "…", "”", "a", "word ", "3.14 ", "9:30", ".", ",", " ", "\n", "\r\n", "é", "ก็", "👍", "👍🏽", "👩‍👩‍👧", "🇨🇳", "𠮷", "STO", "S", "TOP", "1️⃣"];

    private static void AssertWholeCharacters(string answer, IEnumerable<string> units)
    {
        var boundaries = StringInfo.ParseCombiningCharacters(answer).ToHashSet();
        var end = 0;
        foreach (var unit in units)
            Assert.True((end += unit.Length) == answer.Length || boundaries.Contains(end) || IsRare(answer, end), $"'{unit}' ends within a character of '{answer}'");
    }

    /// <summary>What comes more than 300 ms after an ASCII character may begin with the sign that composes it.</summary>
    private static bool IsRare(string answer, int end) => char.IsAscii(answer[end - 1]);

    private static readonly LexiconEntry Acme = new("acme bank", Lists.Rule(LexiconAction.Mask));
    private static readonly LexiconEntry Goose = new("golden goose", Lists.Rule(LexiconAction.Replace));
    private static readonly Guardrail Guarded = With(Lexicon.Of([Acme, Goose]));

    private static Guardrail With(Lexicon lexicon) => new(lexicon, "demo", Lists.Today, "en");

    private static List<string> Units(Model model, int[] ids) => Feed(new Reply(model, [], Unguarded), ids);

    private static List<string> Feed(Reply reply, int[] ids)
    {
        var units = new List<string>();
        foreach (var id in ids)
        {
            reply.Append(id);
            while (reply.Next() is { } unit) units.Add(unit);
        }
        reply.End();
        while (reply.Next() is { } unit) units.Add(unit);
        return units;
    }

    /// <summary>The scripted model's ids: bytes, and the tags of reasoning as the special ids that they are.</summary>
    private static int[] Ids(string text) =>
    [
        .. text.Split("</think>").SelectMany((part, i) => (i == 0 ? [] : new[] { ScriptedModel.ThinkClose })
            .Concat(part.Split("<think>").SelectMany((p, j) => (j == 0 ? [] : new[] { ScriptedModel.ThinkOpen }).Concat(Encoding.UTF8.GetBytes(p).Select(b => (int)b))))),
    ];
}
