using System.Text;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>Short texts over few characters, in which everything happens soon: what the filter finds beside what a naive scan does, and the same text in pieces.</summary>
internal static class RandomCases
{
    private const int TextsPerLexicon = 2_000;

    private static readonly string[] EntryCharacters = ["内", "幕", "消", "a", "b", "c", "1", "2", "内", "幕", "a", "𠀀"];

    private static readonly string[] TextCharacters =
    [
        "内", "內", "幕", "消", "a", "A", "ａ", "а", "b", "c", "𝐚", "1", "①", "２", "⑩", "𠀀", "内", "幕", "a", "b", "人",
        "*", " ", "，", "。", ".", "-", "\u200b", "\u0301", "😀", "\n", "\ue123", "\ud840", "\udc00", "!", "ⅱ",
    ];

    /// <returns>On how many texts the filter and the naive scan differ, and on how many the filter itself does when they come in pieces.</returns>
    public static (long Naive, long Cuts) Compare(int cases, Action<string>? tell, CancellationToken cancellation)
    {
        var (naive, cuts) = (0L, 0L);
        for (var seed = 0; seed * (long)TextsPerLexicon < cases; seed++)
        {
            cancellation.ThrowIfCancellationRequested();
            var random = new Random(seed);
            var entries = Entries(random);
            var (lexicon, reference) = (Lexicon.Of(entries), new NaiveScan(entries));
            for (var i = 0; i < TextsPerLexicon; i++)
            {
                var text = Text(random);
                if (!Found(lexicon, text).SequenceEqual(reference.Find(text)))
                {
                    naive++;
                    tell?.Invoke($"seed {seed}, {Show(text)}, entries {string.Join(", ", entries.Select(entry => $"{Show(entry.Text)} {entry.Rule.Action}"))}: found {string.Join(", ", Found(lexicon, text))}, naive {string.Join(", ", reference.Find(text))}");
                }
                if (i % 10 == 0 && InPieces(lexicon, text, random) != InPieces(lexicon, text, null)) cuts++;
            }
        }
        return (naive, cuts);
    }

    private static string Show(string text) => string.Concat(text.Select(unit => unit is > ' ' and <= '~' or (>= '\u4e00' and <= '\u9fff') ? $"{unit}" : $"\\u{(int)unit:x4}"));

    public static List<LexiconEntry> Entries(Random random)
    {
        List<LexiconEntry> entries = [];
        var count = random.Next(1, 9);
        while (entries.Count < count)
        {
            var text = new StringBuilder();
            for (var length = random.Next(1, 6); length > 0; length--)
            {
                text.Append(EntryCharacters[random.Next(EntryCharacters.Length)]);
                if (random.Next(6) == 0 && length > 1) text.Append(" -，"[random.Next(3)]);
            }
            // Weighted towards white ones, which do most to each other.
            entries.Add(new LexiconEntry(text.ToString(), new LexiconRule("random", 1, (LexiconAction)Math.Max(0, random.Next(-1, 5)))));
        }
        return entries;
    }

    public static string Text(Random random)
    {
        var text = new StringBuilder();
        for (var length = random.Next(1, 25); length > 0; length--)
        {
            var character = TextCharacters[random.Next(TextCharacters.Length)];
            for (var run = random.Next(12) == 0 ? random.Next(2, 40) : 1; run > 0; run--) text.Append(character);
        }
        return text.ToString();
    }

    public static List<(int Start, int End, string Entry)> Found(Lexicon lexicon, string text) =>
        [.. lexicon.Inspect(text, LexiconScope.Output, null, default).Hits.Where(hit => hit.Disguise is Disguise.None).Select(hit => (hit.Start, hit.End, hit.Entry.Text)).Order()];

    /// <summary>Everything that shows: what was let through, what stopped it, and the hits.</summary>
    /// <param name="random">Chooses the cuts; null for one piece.</param>
    public static string InPieces(Lexicon lexicon, string text, Random? random)
    {
        var filter = new StreamFilter(lexicon, LexiconScope.Output, null, default);
        var shown = new StringBuilder();
        for (var at = 0; at < text.Length;)
        {
            var length = random is null ? text.Length : Math.Min(text.Length - at, random.Next(1, 4));
            shown.Append(filter.Append(text.AsSpan(at, length)));
            at += length;
        }
        shown.Append(filter.End());
        return $"{shown}|{filter.Stopped}|{string.Join(";", filter.Hits.Select(hit => $"{hit.Start}-{hit.End} {hit.Entry.Text} {hit.Disguise} {hit.Released}"))}";
    }
}
