using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>What is found of what is there, and of what is not.</summary>
internal static class Detection
{
    private const int PerClass = 2_000;
    private const int CleanSentences = 10_000;

    /// <summary>Entries in each disguise that changes them, within clean sentences: found is a hit of the entry where it stands.</summary>
    public static void MeasureEvasions(List<LexiconEntry> list, Lexicon lexicon, Figures figures, Action<string>? tell)
    {
        var sentences = CleanText.Of(1_000, seed: 21);
        var worst = 1.0;
        foreach (var (name, disguise) in Evasions.All)
        {
            var random = new Random(22);
            var (tried, found) = (0, 0);
            for (var i = 0; i < 200 * PerClass && tried < PerClass; i++)
            {
                // Every other one from the shipped list, whose words are real ones.
                var entry = random.Next(2) == 0 ? list[random.Next(Shipped(list))] : list[random.Next(list.Count)];
                if (entry.Rule.Action is LexiconAction.Allow || disguise(entry.Text, random) is not { } disguised) continue;
                tried++;
                var before = sentences[random.Next(sentences.Count)].TrimEnd('。') + "，";
                var text = $"{before}{disguised}，{sentences[random.Next(sentences.Count)]}";
                var end = before.Length + disguised.Length;
                if (lexicon.Inspect(text, LexiconScope.Both, null, default).Hits.Any(hit => hit.Entry.Text == entry.Text && hit.Start < end && hit.End > before.Length)) found++;
                else tell?.Invoke($"{name}: {entry.Text} as {disguised}");
            }
            var recall = tried == 0 ? double.NaN : (double)found / tried;
            figures.Add($"evasion_recall_{name}", recall);
            worst = Math.Min(worst, recall);
        }
        figures.Add("evasion_recall", worst);
    }

    public static void MeasureClean(Lexicon lexicon, string? english, Figures figures, Action<string>? tell)
    {
        figures.Add("clean_false_rate", FalseRate(lexicon, CleanText.Of(CleanSentences, seed: 31), tell));
        if (english is null) figures.LeaveOut("no --english", "clean_false_rate_english");
        else figures.Add("clean_false_rate_english", FalseRate(lexicon, [.. File.ReadLines(english).Skip(1).Select(line => line[..Math.Max(0, line.LastIndexOf(','))].Trim('"')).Where(text => text.Length > 0)], tell));
    }

    private static double FalseRate(Lexicon lexicon, List<string> clean, Action<string>? tell) => clean.Count(text =>
    {
        var hits = lexicon.Inspect(text, LexiconScope.Both, null, default).Hits;
        if (!hits.IsEmpty) tell?.Invoke($"clean: {text}: {string.Join(", ", hits.Select(hit => $"{hit.Entry.Text} ({hit.Disguise})"))}");
        return !hits.IsEmpty;
    }) / (double)clean.Count;

    private static int Shipped(List<LexiconEntry> list) => list.FindIndex(entry => entry.Rule.Category.StartsWith("generated", StringComparison.Ordinal)) is >= 0 and var first ? first : list.Count;
}
