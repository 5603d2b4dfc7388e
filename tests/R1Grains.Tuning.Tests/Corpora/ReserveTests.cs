using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Evaluation;

namespace R1Grains.Tuning.Tests.Corpora;

/// <summary>What is held out never reaches training: looked for in the texts, not in the generator.</summary>
[Collection(nameof(TrainingSample))]
public sealed class ReserveTests(TrainingSample sample)
{
    private static readonly IReadOnlyList<EvaluationItem> Items = EvaluationSet.Build(1);

    [Fact]
    public void No_value_of_the_evaluation_is_a_value_in_training()
    {
        var trained = sample.Grounded.Where(t => t.Answer.Annotations.Entities.ContainsKey("value")).Select(t => Figures.Normal(t.Answer.Annotations.Entities["value"])).ToHashSet();
        Assert.True(trained.Count > 10_000);
        Assert.DoesNotContain(Scored.Where(i => i.Expected is not null).Select(i => Figures.Normal(i.Expected!)), trained.Contains);
    }

    [Fact]
    public void No_product_of_the_evaluation_is_a_product_in_training()
    {
        var trained = sample.Grounded.Select(t => t.Answer.Annotations.Entities["product"]).ToHashSet();
        Assert.True(trained.Count > 20_000);
        Assert.DoesNotContain(Scored.Select(i => i.Reference.Annotations.Entities["product"]), trained.Contains);
    }

    [Fact]
    public void No_stem_of_an_evaluation_product_begins_a_training_product()
    {
        var trained = sample.Grounded.Select(t => (t.Book, t.Answer.Annotations.Entities["product"])).Select(p => Start(p.Book.Zh, p.Item2)).ToHashSet();
        Assert.All(Scored, i => Assert.DoesNotContain(Start(i.Language == "zh", i.Reference.Annotations.Entities["product"]), trained));

        // An English stem has one word or two; where it has one, the type's first word is compared with it.
        static string Start(bool zh, string name) => zh ? name[..2] : string.Join(' ', name.Split(' ').Take(2));
    }

    [Fact]
    public void No_question_uses_a_reserved_frame_or_a_reserved_pairing()
    {
        foreach (var (book, _, question, answer) in sample.Grounded)
        {
            var named = question.Annotations.Entities;
            if (!named.TryGetValue("product", out var product) || !named.TryGetValue("attribute", out var wording)) continue;
            var measure = Measured(book, answer.Annotations.Entities["attribute"]);
            foreach (var frame in book.Questions.Where(f => Held(f, wording)))
            {
                foreach (var word in book.QuestionWords[measure]) Assert.False(Asks(question.Text, frame.Ask(product, wording, word)), $"'{question.Text}' uses '{frame.Text}'");
            }
        }

        // Greetings come before and thanks after; some plain frames are the end of others, so the start must fit too.
        static bool Asks(string text, string asked) => text.StartsWith(asked, StringComparison.Ordinal);
    }

    [Fact]
    public void No_passage_states_the_asked_fact_in_a_reserved_frame_or_a_reserved_pairing()
    {
        foreach (var (book, _, question, answer) in sample.Grounded)
        {
            var entities = answer.Annotations.Entities;
            if (!entities.TryGetValue("value", out var value)) continue;
            var sentences = TrainingSample.Sentences(question);
            var wordings = book.Known.FirstOrDefault(a => a.Canonical == entities["attribute"])?.Wordings ?? [entities["attribute"]];
            // "SMS fee" reads the same in the frames with and without a capital.
            foreach (var wording in wordings.Where(w => !char.IsUpper(w[0])))
            {
                foreach (var frame in book.Facts.Concat(book.Bare).Concat(book.Lines).Where(f => Held(f, wording)))
                {
                    var sentence = frame.Fill(entities["product"], wording, value).Sentence.Trim();
                    Assert.False(sentences.Contains(sentence), $"'{sentence}' uses '{frame.Text}'");
                }
            }
        }
    }

    [Fact]
    public void Every_evaluation_question_and_fact_uses_a_reserved_frame_with_words_training_knows()
    {
        foreach (var item in Scored)
        {
            var book = item.Language == "zh" ? Chinese.Book : English.Book;
            var named = item.Question.Annotations.Entities;
            var frames = book.Questions.Where(f => f.Split == Split.HeldOut).SelectMany(f =>
                book.QuestionWords.Values.SelectMany(w => w).Distinct().Select(w => f.Ask(named["product"], named["attribute"], w)));
            Assert.Contains(frames, f => item.Question.Text.Contains(f, StringComparison.OrdinalIgnoreCase));
            Assert.Contains(named["attribute"], book.Known.Concat(book.Plain).SelectMany(a => a.Wordings));
            Assert.All(item.Others.Append(item.Expected).OfType<string>(), v => Assert.Equal(Split.HeldOut, Reserve.OfValue(v)));
        }
    }

    [Fact]
    public void No_wording_means_two_attributes()
    {
        foreach (var book in new[] { Chinese.Book, English.Book })
            Assert.Empty(book.Known.Concat(book.Plain).Concat(book.Odd).SelectMany(a => a.Wordings).GroupBy(w => w.ToLowerInvariant()).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    [Fact]
    public void Each_language_reserves_at_least_six_frames_for_questions_and_for_facts_and_has_many_more()
    {
        foreach (var book in new[] { Chinese.Book, English.Book })
        {
            foreach (var frames in new[] { book.Questions, book.Facts })
            {
                Assert.True(frames.Count(f => f.Split == Split.HeldOut) >= 6);
                Assert.True(frames.Count(f => f.Split == Split.Train) >= 30);
                Assert.Equal(frames.Length, frames.DistinctBy(f => f.Text).Count());
            }
        }
    }

    private static IEnumerable<EvaluationItem> Scored => Items.Where(i => i.Group != "smoke");

    private static bool Held(Frame frame, string wording) => frame.Split == Split.HeldOut || Reserve.OfPairing(frame, wording) == Split.HeldOut;

    private static Measure Measured(Phrasebook book, string canonical) => book.Known.Concat(book.Plain).Concat(book.Odd).First(a => a.Canonical == canonical).Measure;
}
