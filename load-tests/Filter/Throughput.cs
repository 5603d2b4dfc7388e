using System.Buffers;
using System.Diagnostics;
using System.Text;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>
/// Megabytes of UTF-8 a second on one core, best of some rounds. The text is of common characters by Zipf's law, a tenth
/// of it Latin, with an entry every 500 characters: harder than prose, which stays at the automaton's root for longer.
/// </summary>
internal static class Throughput
{
    private const int Characters = 1_000_000;

    public static void Measure(List<LexiconEntry> list, Lexicon lexicon, TimeSpan time, Figures figures)
    {
        var text = Text(list);
        var megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        var texts = list.Select(entry => entry.Text).ToHashSet();

        var search = SearchValues.Create([.. texts], StringComparison.Ordinal);
        var naive = texts.GetAlternateLookup<ReadOnlySpan<char>>();
        var longest = texts.Max(entry => entry.Length);
        Add("exact_mb_per_s", () => Exact(lexicon, text));
        Add("normalised_mb_per_s", () => lexicon.Inspect(text, LexiconScope.Input, null, default).Hits.Length);
        Add("search_values_mb_per_s", () => Find(search, text));
        Add("naive_mb_per_s", () => Naive(naive, text, longest));

        void Add(string key, Func<int> scan)
        {
            var (best, start) = (0.0, Stopwatch.GetTimestamp());
            for (var round = 0; round < 3 || Stopwatch.GetElapsedTime(start) < time; round++)
            {
                var before = Stopwatch.GetTimestamp();
                var found = scan();
                best = Math.Max(best, megabytes / Stopwatch.GetElapsedTime(before).TotalSeconds);
                if (found == 0) throw new InvalidDataException($"{key}: nothing was found in a text that holds {Characters / 500:n0} entries.");
            }
            figures.Add(key, best);
        }
    }

    /// <summary>The automaton alone: every word that ends anywhere is counted, nothing is passed over, nothing confirmed.</summary>
    private static int Exact(Lexicon lexicon, string text)
    {
        var (words, codes, nodes) = (lexicon.Words, lexicon.Codes, lexicon.Words.Nodes);
        var (found, slot, node) = (0, 0, nodes[0]);
        foreach (var unit in text)
        {
            int code = codes[unit];
            if ((uint)(code - 1) >= Lexicon.Sign - 1)
            {
                (slot, node) = (0, nodes[0]);
                continue;
            }
            while (true)
            {
                var child = Automaton.Base(node) + code;
                var next = nodes[child];
                if (Automaton.Check(next) == code)
                {
                    (slot, node) = (child, next);
                    break;
                }
                if (slot == 0) break;
                slot = Automaton.Fail(node);
                node = nodes[slot];
            }
            for (var end = slot; Automaton.Ends(nodes[end]); end = Automaton.Fail(nodes[end]))
                if (words.Ordinal(end) >= 0)
                    found++;
        }
        return found;
    }

    /// <summary>The first match at each place: it does not tell the others.</summary>
    private static int Find(SearchValues<string> search, ReadOnlySpan<char> text)
    {
        var found = 0;
        for (int at; (at = text.IndexOfAny(search)) >= 0; text = text[(at + 1)..]) found++;
        return found;
    }

    private static int Naive(HashSet<string>.AlternateLookup<ReadOnlySpan<char>> texts, ReadOnlySpan<char> text, int longest)
    {
        var found = 0;
        for (var at = 0; at < text.Length; at++)
            for (var length = 1; length <= Math.Min(longest, text.Length - at); length++)
                if (texts.Contains(text.Slice(at, length)))
                    found++;
        return found;
    }

    private static string Text(List<LexiconEntry> list)
    {
        var random = new Random(7);
        var text = new StringBuilder(Characters + 100);
        var planted = 0;
        while (text.Length < Characters)
        {
            if (text.Length / 500 > planted)
            {
                planted++;
                text.Append(list[random.Next(list.Count)].Text);
            }
            else if (random.Next(40) == 0)
                text.Append(CleanEnglish.Words[random.Next(CleanEnglish.Words.Length)]);
            else
                text.Append(GeneratedList.Character(random));
            if (random.Next(12) == 0) text.Append("，。、；"[random.Next(4)]);
        }
        return text.ToString();
    }
}
