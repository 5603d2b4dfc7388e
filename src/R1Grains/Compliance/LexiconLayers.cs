namespace R1Grains.Compliance;

/// <summary>Lists laid over each other: what an upper one says of a word replaces what a lower one says of it, in the scope and on the days of which it speaks.</summary>
internal static class LexiconLayers
{
    /// <summary>Both lists, the lower one without what the upper one replaces.</summary>
    public static IReadOnlyList<LexiconEntry> Over(this IReadOnlyList<LexiconEntry> upper, IReadOnlyList<LexiconEntry> lower)
    {
        if (upper.Count == 0 || lower.Count == 0) return upper.Count == 0 ? lower : upper;
        var said = upper.ToLookup(entry => Lexicon.NormalForm(entry.Text), entry => entry.Rule);
        return [.. upper, .. lower.SelectMany(entry => Left(entry.Rule, said[Lexicon.NormalForm(entry.Text)]).Select(rule => entry with { Rule = rule }))];
    }

    private static IEnumerable<LexiconRule> Left(LexiconRule rule, IEnumerable<LexiconRule> above) =>
        above.Aggregate<LexiconRule, IEnumerable<LexiconRule>>([rule], (left, upper) => left.SelectMany(rest => Without(rest, upper)));

    private static IEnumerable<LexiconRule> Without(LexiconRule rule, LexiconRule upper)
    {
        var isApart = (rule.Scope & upper.Scope) == 0 || rule.Until < upper.From || rule.From > upper.Until;
        if (isApart)
        {
            yield return rule;
            yield break;
        }
        if ((rule.Scope & ~upper.Scope) is not 0 and var elsewhere) yield return rule with { Scope = elsewhere };
        var shared = rule with { Scope = rule.Scope & upper.Scope };
        // Before the first day of all there is none, nor after the last one.
        if (upper.From is { } from && from > DateOnly.MinValue && !(rule.From >= from)) yield return shared with { Until = from.AddDays(-1) };
        if (upper.Until is { } until && until < DateOnly.MaxValue && !(rule.Until <= until)) yield return shared with { From = until.AddDays(1) };
    }
}
