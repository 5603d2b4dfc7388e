using System.Text.RegularExpressions;
using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Tests.Corpora;

/// <summary>Fifty thousand training dialogues, made once for all tests that look at them.</summary>
[CollectionDefinition(nameof(TrainingSample))]
public sealed class TrainingSample : ICollectionFixture<TrainingSample>
{
    public IReadOnlyList<Dialogue> Dialogues { get; } = [.. new DialogueGenerator(2024).Take(50_000)];

    /// <summary>Each question that names a product and an attribute, with its answer.</summary>
    internal IEnumerable<(Phrasebook Book, string Kind, Utterance Question, Utterance Answer)> Turns =>
        from dialogue in Dialogues
        from i in Enumerable.Range(0, dialogue.Utterances.Count / 2)
        select (dialogue.Language == "zh" ? Chinese.Book : English.Book, dialogue.Kind, dialogue.Utterances[2 * i], dialogue.Utterances[2 * i + 1]);

    internal IEnumerable<(Phrasebook Book, string Kind, Utterance Question, Utterance Answer)> Grounded =>
        Turns.Where(t => t.Answer.Annotations.Entities.ContainsKey("attribute"));

    /// <summary>Sentences and lines of the passages, each with its stop.</summary>
    internal static HashSet<string> Sentences(Utterance question) =>
        [.. question.Passages.SelectMany(p => Regex.Split(p, @"(?<=。)|(?<=\.) |\n|】|\] "))];
}
