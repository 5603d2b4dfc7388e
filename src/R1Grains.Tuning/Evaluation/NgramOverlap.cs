using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Evaluation;

/// <param name="Passages">Share of items of which any passage has an n-gram that occurs in a passage of the corpus.</param>
/// <param name="Questions">The same for the questions; those shorter than n have none and count as free of overlap.</param>
/// <param name="Countable">Share of items whose question or passages are long enough to have any n-gram.</param>
public sealed record Overlap(string Group, string Language, int Items, double Passages, double Questions, double Countable);

/// <summary>
/// How much of the evaluation text was in the corpus word for word: n-grams of characters for Chinese, of words for
/// English, white space aside. Sentences without figures are shared by design, so a passage may overlap by one of
/// them; every sentence that carries a fact has a reserved frame, name and value.
/// </summary>
public static class NgramOverlap
{
    public const int N = 13;

    public static IReadOnlyList<Overlap> Measure(IReadOnlyList<EvaluationItem> items, IEnumerable<Dialogue> corpus)
    {
        var grams = new Dictionary<string, (HashSet<ulong> Passages, HashSet<ulong> Questions)> { ["zh"] = ([], []), ["en"] = ([], []) };
        // Only what the items hold is looked for, so that memory does not grow with the corpus.
        foreach (var item in items)
        {
            foreach (var passage in item.Question.Passages) grams[item.Language].Passages.UnionWith(Of(passage, item.Language));
            grams[item.Language].Questions.UnionWith(Of(item.Question.Text, item.Language));
        }

        var seen = new Dictionary<string, (HashSet<ulong> Passages, HashSet<ulong> Questions)> { ["zh"] = ([], []), ["en"] = ([], []) };
        foreach (var dialogue in corpus)
        {
            var (wanted, found) = (grams[dialogue.Language], seen[dialogue.Language]);
            foreach (var utterance in dialogue.Utterances.Where(u => u.Role == "user"))
            {
                foreach (var passage in utterance.Passages) found.Passages.UnionWith(Of(passage, dialogue.Language).Where(wanted.Passages.Contains));
                found.Questions.UnionWith(Of(utterance.Text, dialogue.Language).Where(wanted.Questions.Contains));
            }
        }

        return
        [
            .. items.GroupBy(i => (i.Group, i.Language)).Select(g => new Overlap(g.Key.Group, g.Key.Language, g.Count(),
                Share(g, i => i.Question.Passages.Any(p => Of(p, i.Language).Any(seen[i.Language].Passages.Contains))),
                Share(g, i => Of(i.Question.Text, i.Language).Any(seen[i.Language].Questions.Contains)),
                Share(g, i => i.Question.Passages.Append(i.Question.Text).Any(t => Of(t, i.Language).Any())))),
        ];
    }

    private static double Share(IEnumerable<EvaluationItem> items, Func<EvaluationItem, bool> holds) => items.Average(i => holds(i) ? 1.0 : 0.0);

    private static IEnumerable<ulong> Of(string text, string language)
    {
        var units = language == "zh"
            ? [.. text.Where(c => !char.IsWhiteSpace(c)).Select(c => (ulong)c)]
            : text.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Hash).ToArray();
        for (var i = 0; i + N <= units.Length; i++)
        {
            var hash = 0xCBF29CE484222325UL;
            for (var j = i; j < i + N; j++) hash = (hash ^ units[j]) * 0x9E3779B97F4A7C15 ^ (hash >> 29);
            yield return hash;
        }
    }

    private static ulong Hash(string word)
    {
        var hash = 0xCBF29CE484222325UL;
        foreach (var c in word) hash = (hash ^ c) * 0x100000001B3;
        return hash;
    }
}
