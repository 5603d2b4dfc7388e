using System.Diagnostics;
using HdrHistogram;
using R1Grains.Compliance;

namespace R1Grains.LoadTests.Filter;

/// <summary>What the filter adds to each token of an answer, and how much it holds back.</summary>
internal static class Streaming
{
    private const int Answers = 3_000;
    private const int WarmUp = 300;

    public static void Measure(Lexicon lexicon, Figures figures)
    {
        var random = new Random(11);
        var sentences = CleanText.Of(5_000, seed: 12);
        var times = new LongHistogram(60_000_000_000, 3);
        List<double> held = [];
        var (tokens, allocated) = (0L, 0L);
        for (var answer = 0; answer < Answers; answer++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(4, 12)).Select(_ => random.Next(10) == 0 ? CleanEnglish.Sentences[random.Next(CleanEnglish.Sentences.Length)] + " " : sentences[random.Next(sentences.Count)]));
            var filter = new StreamFilter(lexicon, LexiconScope.Output, null, default);
            for (var at = 0; at < text.Length;)
            {
                // As tokenizers cut: one to three Chinese characters, or most of a word.
                var token = text.AsSpan(at, Math.Min(text.Length - at, char.IsAscii(text[at]) ? random.Next(2, 7) : random.Next(1, 4)));
                var before = GC.GetAllocatedBytesForCurrentThread();
                var start = Stopwatch.GetTimestamp();
                filter.Append(token);
                var ticks = Stopwatch.GetTimestamp() - start;
                at += token.Length;
                if (answer < WarmUp) continue;
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
                tokens++;
                times.RecordValue(ticks * 1_000_000_000L / Stopwatch.Frequency);
                if (filter.Stopped is null) held.Add(filter.HeldBack);
            }
            filter.End();
        }
        figures.Add("token_us_p50", times.GetValueAtPercentile(50) / 1e3);
        figures.Add("token_us_p99", times.GetValueAtPercentile(99) / 1e3);
        figures.Add("token_allocated_bytes", (double)allocated / tokens);
        figures.Add("holdback_chars_p50", held.Quantile(0.5));
        figures.Add("holdback_chars_p95", held.Quantile(0.95));
        figures.Add("holdback_chars_max", held.Max());
    }
}
