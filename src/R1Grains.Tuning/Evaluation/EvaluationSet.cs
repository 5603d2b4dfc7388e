using R1Grains.Tuning.Corpora;

namespace R1Grains.Tuning.Evaluation;

/// <summary>One question of the evaluation set, scored by what the customer would read.</summary>
/// <param name="Group"><c>plain</c>, <c>distractor</c>, <c>missing</c>, or <c>smoke</c> (no floor).</param>
/// <param name="History">Earlier turns, user and assistant by turns; their passages and reasoning are not shown to the model.</param>
/// <param name="Question">The user turn to answer, with its passages.</param>
/// <param name="Reference">What the generator would have answered.</param>
/// <param name="Expected">What the answer must hold: the value as the passage writes it; null for a missing fact.</param>
/// <param name="Others">Values whose figures the answer must not hold.</param>
public sealed record EvaluationItem(
    string Id,
    string Group,
    string Language,
    IReadOnlyList<Utterance> History,
    Utterance Question,
    Utterance Reference,
    string? Expected,
    IReadOnlyList<string> Others);

/// <summary>
/// Questions whose values, product names, sentence frames and pairings of frame and wording training never sees:
/// every question and every sentence of every passage uses a reserved frame, so its pairing with any wording is new too.
/// Openers, closers, headings and sentences without figures are shared with training. The smoke group mixes
/// procedural questions (reserved sentences) with follow-ups and recall (reserved values and names, shared follow-up
/// frames).
/// </summary>
public static class EvaluationSet
{
    public const int PerLanguage = 200;
    public const int Smoke = 100;

    public static IReadOnlyList<EvaluationItem> Build(ulong seed)
    {
        var items = new List<EvaluationItem>(6 * PerLanguage + Smoke);
        foreach (var book in new[] { Chinese.Book, English.Book })
        {
            var dice = new Dice(seed ^ (book.Zh ? 0x5A48UL : 0x454EUL));
            var grounded = new Grounded(book, dice, Split.HeldOut);
            foreach (var (group, next) in new (string, Func<Exchange>)[] { ("plain", grounded.Plain), ("distractor", grounded.Distractor), ("missing", grounded.Missing) })
            {
                for (var i = 0; i < PerLanguage; i++) items.Add(Item($"{group}-{book.Language}-{i:000}", group, book.Language, [], next()));
            }

            items.AddRange(SmokeItems(book, dice, grounded));
        }

        return items;
    }

    private static IEnumerable<EvaluationItem> SmokeItems(Phrasebook book, Dice dice, Grounded grounded)
    {
        var conversation = new Conversation(book, dice, Split.HeldOut);
        for (var i = 0; i < Smoke / 2; i++)
        {
            var id = $"smoke-{book.Language}-{i:00}";
            if (i % 3 == 0)
            {
                var exchanges = grounded.FollowUps(2);
                yield return Item(id, "smoke", book.Language, [exchanges[0].Question, exchanges[0].Answer], exchanges[1]);
            }
            else
            {
                var turns = i % 3 == 1 ? conversation.Procedural(1) : conversation.Recall(grounded);
                var answer = turns[^1];
                // What was recalled, or else the instruction word for word.
                var expected = answer.Annotations.Entities.GetValueOrDefault("value") ?? answer.Text;
                yield return new EvaluationItem(id, "smoke", book.Language, [.. turns.SkipLast(2)], turns[^2], answer, expected, []);
            }
        }
    }

    private static EvaluationItem Item(string id, string group, string language, IReadOnlyList<Utterance> history, Exchange exchange) =>
        new(id, group, language, history, exchange.Question, exchange.Answer, exchange.Value, exchange.Others);

    /// <summary>
    /// Right when the answer holds the expected value with its unit and whole figures, and no figure of another value;
    /// for a missing fact, when it says that the documents do not tell and gives no figure.
    /// </summary>
    /// <param name="answer">The text shown to the customer, without reasoning.</param>
    public static bool Score(EvaluationItem item, string answer) =>
        item.Expected is null ? SaysMissing(answer) && Figures.In(answer).Count == 0 : Holds(answer, item.Expected) && !HoldsAnother(item, answer);

    private static bool HoldsAnother(EvaluationItem item, string answer)
    {
        var right = Figures.In(item.Expected!);
        var given = Figures.In(answer);
        return item.Others.SelectMany(Figures.In).Except(right).Any(given.Contains);
    }

    /// <summary>The value occurs, and is not a part of a longer figure.</summary>
    private static bool Holds(string answer, string value)
    {
        var (text, part) = (Figures.Normal(answer), Figures.Normal(value));
        for (var at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + 1, StringComparison.Ordinal))
        {
            var cutBefore = at > 0 && char.IsDigit(part[0]) && (char.IsDigit(text[at - 1]) || text[at - 1] == '.');
            var end = at + part.Length;
            var cutAfter = char.IsDigit(part[^1]) && end < text.Length && (char.IsDigit(text[end]) || text[end] == '.' && end + 1 < text.Length && char.IsDigit(text[end + 1]));
            if (!cutBefore && !cutAfter) return true;
        }

        return false;
    }

    private static readonly string[] MissingWords =
        ["资料中没有", "资料里没有", "资料没有", "资料未", "资料中未", "没有提到", "没有说明", "未提及", "documents do not", "documents don't", "not in the documents", "do not say", "don't say", "does not say", "doesn't say"];

    private static bool SaysMissing(string answer) => MissingWords.Any(w => answer.Contains(w, StringComparison.OrdinalIgnoreCase));
}
