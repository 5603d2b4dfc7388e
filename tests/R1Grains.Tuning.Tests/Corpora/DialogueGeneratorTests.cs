using System.Text.Json;
using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Tests.Corpora;

[Collection(nameof(TrainingSample))]
public sealed class DialogueGeneratorTests(TrainingSample sample)
{
    [Fact]
    public void The_same_seed_gives_the_same_dialogues_and_another_seed_others()
    {
        static string Text(ulong seed) => JsonSerializer.Serialize(new DialogueGenerator(seed).Take(2000));
        var first = Text(5);
        Assert.Equal(first, Text(5));
        Assert.NotEqual(first, Text(6));
    }

    [Fact]
    public void User_and_assistant_speak_in_turn_and_only_the_assistant_reasons()
    {
        foreach (var dialogue in sample.Dialogues)
        {
            Assert.NotEmpty(dialogue.Utterances);
            Assert.Equal(0, dialogue.Utterances.Count % 2);
            for (var i = 0; i < dialogue.Utterances.Count; i++)
            {
                var utterance = dialogue.Utterances[i];
                Assert.Equal(i % 2 == 0 ? "user" : "assistant", utterance.Role);
                Assert.Equal(i % 2 == 1, utterance.Reasoning is not null);
                Assert.NotEmpty(utterance.Text);
                if (i % 2 == 1) Assert.Empty(utterance.Passages);
            }
        }
    }

    [Fact]
    public void Reasoning_reads_the_product_in_the_passages_and_the_answer_repeats_its_value()
    {
        var told = 0;
        foreach (var (book, _, question, answer) in sample.Grounded)
        {
            if (!answer.Annotations.Entities.TryGetValue("value", out var value)) continue;
            told++;
            Assert.Contains(value, answer.Text);
            var parts = answer.Reasoning!.Split(book.Zh ? "。有：" : ". Found: ");
            Assert.EndsWith(value + (book.Zh ? "。" : "."), parts[1]);
            Assert.Contains((book.Zh ? "，是，" : ", yes, ") + value, parts[0]);
            Assert.Contains(question.Passages, p => p.Contains(value, StringComparison.Ordinal));
        }

        Assert.True(told > 25_000, $"only {told} answers with a value");
    }

    [Fact]
    public void A_missing_fact_is_nowhere_in_the_passages_and_the_answer_gives_no_figure()
    {
        var missing = 0;
        foreach (var (book, _, question, answer) in sample.Grounded)
        {
            if (answer.Annotations.Intent != "not_in_documents") continue;
            missing++;
            Assert.Empty(Figures.In(answer.Text));
            var (product, canonical) = (answer.Annotations.Entities["product"], answer.Annotations.Entities["attribute"]);
            Assert.EndsWith(book.Zh ? $"。无：{canonical}。" : $". Not found: {canonical}.", answer.Reasoning);
            Assert.DoesNotContain(book.Zh ? "，是，" : ", yes, ", answer.Reasoning);
            var wordings = book.Known.FirstOrDefault(a => a.Canonical == canonical)?.Wordings ?? [canonical];
            // A frame that sets the value right behind the attribute cannot tell 保管费 from 保管费率.
            foreach (var start in from frame in book.Facts.Where(f => !f.Text.Contains("{a}{v}"))
                                  from wording in wordings
                                  let start = frame.Fill(product, wording, "\0").Sentence.Split('\0')[0]
                                  where start.Contains(product) && start.Contains(wording, StringComparison.Ordinal)
                                  select start)
                Assert.DoesNotContain(question.Passages, p => p.Contains(start, StringComparison.Ordinal));
        }

        Assert.InRange(missing, 7_000, 15_000);
    }

    [Fact]
    public void Every_entity_is_written_in_its_utterance()
    {
        foreach (var utterance in sample.Dialogues.SelectMany(d => d.Utterances))
            Assert.All(utterance.Annotations.Entities.Values, e => Assert.Contains(e, utterance.Text));
    }

    [Fact]
    public void Every_wording_of_every_attribute_is_asked_in_training()
    {
        var asked = sample.Grounded.Select(t => t.Question.Annotations.Entities.GetValueOrDefault("attribute")).ToHashSet();
        Assert.All(Attributes.Zh.Concat(Attributes.En).SelectMany(a => a.Wordings), w => Assert.Contains(w, asked));
    }

    [Fact]
    public void Every_character_and_word_of_a_reserved_frame_occurs_in_training()
    {
        var characters = new HashSet<char>();
        var words = new HashSet<string>();
        foreach (var (book, _, question, _) in sample.Turns)
        {
            foreach (var text in question.Passages.Append(question.Text))
            {
                if (book.Zh) characters.UnionWith(text);
                else words.UnionWith(Words(text));
            }
        }

        Assert.All(Reserved(Chinese.Book).SelectMany(f => Slots(f.Text)).Where(c => c > 127), c => Assert.Contains(c, characters));
        Assert.All(Reserved(English.Book).SelectMany(f => Words(Slots(f.Text))), w => Assert.Contains(w, words));

        static IEnumerable<Frame> Reserved(Phrasebook book) =>
            new[] { book.Questions, book.Facts, book.Bare, book.Lines, book.Clauses }.SelectMany(f => f).Where(f => f.Split == Split.HeldOut);
        static string Slots(string frame) => System.Text.RegularExpressions.Regex.Replace(frame, @"\{.\}", " ");
        static IEnumerable<string> Words(string text) => text.ToLowerInvariant().Split([' ', '\n', '.', ',', ';', ':', '?', '!', '(', ')', '[', ']'], StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void The_inventory_of_Chinese_characters_is_small_enough_for_each_to_be_learned()
    {
        var characters = sample.Dialogues.SelectMany(d => d.Utterances).SelectMany(u => u.Passages.Append(u.Text)).SelectMany(t => t).Where(c => c is >= '一' and <= '鿿').ToHashSet();
        Assert.InRange(characters.Count, 800, 1500);
    }

    [Fact]
    public void Most_grounded_questions_have_the_same_item_of_another_product_beside_them()
    {
        var kinds = sample.Dialogues.CountBy(d => d.Kind).ToDictionary();
        var single = kinds["plain"] + kinds["distractor"] + kinds["missing"];
        Assert.InRange((double)kinds["distractor"] / single, 0.5, 0.6);
        Assert.InRange((double)kinds["missing"] / single, 0.18, 0.27);
        Assert.InRange(sample.Dialogues.Count(d => d.Language == "zh") / 50_000.0, 0.53, 0.57);
    }
}
