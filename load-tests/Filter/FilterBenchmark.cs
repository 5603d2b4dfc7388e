using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using R1Grains.Compliance;
using Spectre.Console;

namespace R1Grains.LoadTests.Filter;

/// <summary>What the sensitive-word filter costs, what it finds when words are disguised, and what it finds where nothing is.</summary>
internal static class FilterBenchmark
{
    private const int Rebuilds = 5;
    private const double MiB = 1 << 20;
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    public static Command Command()
    {
        var entries = new Option<int>("--entries") { Description = "Generated entries, beside the shipped list.", DefaultValueFactory = _ => 100_000 };
        var english = new Option<FileInfo?>("--english") { Description = "A CSV file of clean English texts (its first column, with a head), as BANKING77 has. Default: that figure is left out." };
        var cases = new Option<int>("--cases") { Description = "Random texts on which the filter is compared with a naive scan.", DefaultValueFactory = _ => 10_000_000 };
        var seconds = new Option<double>("--seconds") { Description = "Measured time per throughput.", DefaultValueFactory = _ => 3 };
        var errors = new Option<bool>("--errors") { Description = "Print each disguised word that was missed, and each clean text in which something was found." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("filter", "Throughput, latency, memory, recall and false alarms of the sensitive-word filter; exit code 1 when a figure misses its floor.") { entries, english, cases, seconds, errors, json };
        command.SetAction((arguments, cancellation) => RunAsync(
            arguments.GetValue(entries),
            arguments.GetValue(english)?.FullName,
            arguments.GetValue(cases),
            TimeSpan.FromSeconds(arguments.GetValue(seconds)),
            arguments.GetValue(errors) ? Progress.Say : null,
            arguments.GetValue(json)?.FullName,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(int count, string? english, int cases, TimeSpan time, Action<string>? tell, string? path, CancellationToken cancellation)
    {
        var figures = new Figures();
        List<LexiconEntry> list = [.. ShippedList.Read(), .. GeneratedList.Of(count, seed: 1)];

        Progress.Say($"building a lexicon of {list.Count:n0} entries");
        var lexicon = Build(list, figures);
        cancellation.ThrowIfCancellationRequested();

        Progress.Say("throughput");
        Throughput.Measure(list, lexicon, time, figures);
        cancellation.ThrowIfCancellationRequested();

        Progress.Say("tokens of a stream");
        Streaming.Measure(lexicon, figures);
        cancellation.ThrowIfCancellationRequested();

        Progress.Say("disguised words");
        Detection.MeasureEvasions(list, lexicon, figures, tell);
        Detection.MeasureClean(lexicon, english, figures, tell);
        cancellation.ThrowIfCancellationRequested();

        Progress.Say("personal data");
        PersonalDataBenchmark.Measure(figures);
        SafetyPath.Measure(lexicon, figures);
        cancellation.ThrowIfCancellationRequested();

        Progress.Say($"{cases:n0} random texts beside a naive scan");
        var (naive, cuts) = RandomCases.Compare(cases, tell, cancellation);
        figures.Add("naive_cases", cases);
        figures.Add("naive_differences", naive);
        figures.Add("cut_differences", cuts);

        AnsiConsole.Write(figures.ToTable());
        var json = new JsonObject { ["subject"] = "filter", ["cores"] = Environment.ProcessorCount, ["entries"] = lexicon.Count, ["lexicon"] = lexicon.Version };
        figures.WriteTo(json);
        if (path is not null) await File.WriteAllTextAsync(path, json.ToJsonString(JsonOptions), cancellation);
        return figures.MissAny ? 1 : 0;
    }

    private static Lexicon Build(List<LexiconEntry> list, Figures figures)
    {
        Lexicon.Of(list[..1000]);
        List<double> times = [];
        var (lexicon, before) = (Lexicon.Of(list[..1]), 0L);
        for (var i = 0; i < Rebuilds; i++)
        {
            lexicon = Lexicon.Of([]);
            before = GC.GetTotalMemory(forceFullCollection: true);
            var start = Stopwatch.GetTimestamp();
            lexicon = Lexicon.Of(list);
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        figures.Add("rebuild_s", times.Median());
        figures.Add("lexicon_mib", (GC.GetTotalMemory(forceFullCollection: true) - before) / MiB);
        GC.KeepAlive(list);
        foreach (var (name, words) in new[] { ("words", lexicon.Words), ("pinyin", lexicon.Pinyin.Spellings), ("leet", lexicon.Leet.Spellings) })
        {
            figures.Add($"{name}_states", words.States);
            figures.Add($"{name}_slots", words.Nodes.Length);
        }
        return lexicon;
    }
}
