using R1Grains.Compliance;

namespace R1Grains.Tests.Compliance;

internal static class Lists
{
    public static readonly DateOnly Today = new(2026, 6, 1);

    /// <summary>Of entries with one action; those that begin with ! are white.</summary>
    public static Lexicon Of(LexiconAction action, params IEnumerable<string> texts) => Lexicon.Of(texts.Select(text =>
        text[0] == '!' ? new LexiconEntry(text[1..], Rule(LexiconAction.Allow)) : new LexiconEntry(text, Rule(action))));

    public static LexiconRule Rule(LexiconAction action) => new("test", 5, action);

    /// <summary>What was found, as it stands in the text.</summary>
    public static string[] Find(this Lexicon lexicon, string text, LexiconScope scope = LexiconScope.Output, string? tenant = null) =>
        [.. lexicon.Inspect(text, scope, tenant, Today).Hits.Select(hit => text[hit.Start..hit.End])];

    public static StreamFilter Filter(this Lexicon lexicon) => new(lexicon, LexiconScope.Output, null, Today);

    public static Lexicon Shipped() => Lexicon.Of(ShippedEntries());

    public static List<LexiconEntry> ShippedEntries()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "deploy", "lexicon", "finance.txt");
        using var reader = new StreamReader(path);
        return [.. LexiconFile.Read(reader, path)];
    }
}
