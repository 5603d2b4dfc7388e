using System.Diagnostics;
using R1Grains.LoadTests.Clients;
using ScottPlot;

namespace R1Grains.LoadTests.Turns;

/// <summary>The figures of <see cref="TurnsBenchmark"/> as pictures.</summary>
internal static class TurnsPicture
{
    private const int WidthPixels = 1_000, HeightPixels = 480;
    private static readonly ScottPlot.Palettes.Category10 Colors = new();
    private static readonly double[] Shares = [0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999];

    /// <summary>Both axes are logarithmic: a step to the right leaves out so many of the slowest turns fewer.</summary>
    public static void Latency(IReadOnlyList<ClassFigures> classes, string path)
    {
        var plot = new Plot();
        for (var i = 0; i < classes.Count; i++)
        {
            var figures = classes[i];
            foreach (var (histogram, name, pattern) in new[] { (figures.Turn, "whole turn", LinePattern.Solid), (figures.Ttft, "first text", LinePattern.Dashed) })
            {
                var points = Shares.Select(share => (X: Nines(share), Y: figures.Quantile(histogram, Math.Max(share, 1e-9)))).Where(point => double.IsFinite(point.Y)).ToList();
                if (points.Count == 0) continue;
                var line = plot.Add.Scatter(points.Select(point => point.X).ToArray(), points.Select(point => Math.Log10(point.Y)).ToArray(), Colors.GetColor(i));
                (line.LineWidth, line.LinePattern, line.LegendText) = (2, pattern, $"{figures.Class}: {name}");
            }
        }
        plot.Axes.Bottom.SetTicks([.. Shares.Select(Nines)], [.. Shares.Select(share => share == 0 ? "fastest" : $"p{share * 100:0.#}")]);
        plot.Axes.AutoScale();
        Decades(plot);
        Save(plot, "From when a turn was due", "", "ms", path);
    }

    /// <summary>An answer's tokens at the times of its pieces, its reasoning at the first.</summary>
    public static void Tokens(IReadOnlyCollection<SeenTurn> turns, IReadOnlyList<string> classes, long began, string path)
    {
        var plot = new Plot();
        for (var i = 0; i < classes.Count; i++)
        {
            var perSecond = new SortedDictionary<int, double>();
            foreach (var turn in turns.Where(turn => turn.Question.Class == classes[i] && turn.End is SeenEnd.Completed && turn.Pieces.Count > 0))
            {
                var characters = turn.Pieces.Sum(piece => piece.Text.Length);
                Count(turn.Pieces[0].At, turn.ReasoningTokens);
                foreach (var piece in turn.Pieces) Count(piece.At, (turn.Tokens - turn.ReasoningTokens) * (double)piece.Text.Length / characters);
            }
            if (perSecond.Count == 0) continue;
            var (first, last) = (perSecond.Keys.First(), perSecond.Keys.Last());
            var seconds = Enumerable.Range(first, last - first + 1).ToList();
            var line = plot.Add.Scatter(seconds.Select(second => (double)second).ToArray(), seconds.Select(second => perSecond.GetValueOrDefault(second)).ToArray(), Colors.GetColor(i));
            (line.LineWidth, line.MarkerSize, line.LegendText) = (2, 0, classes[i]);

            void Count(long at, double tokens)
            {
                var second = (int)Stopwatch.GetElapsedTime(began, at).TotalSeconds;
                perSecond[second] = perSecond.GetValueOrDefault(second) + tokens;
            }
        }
        FromZero(plot);
        Save(plot, "Tokens as they reach the clients, those of replays come from the record", "seconds", "tokens per second", path);
    }

    public static void Memory(IReadOnlyList<ProcessSample> samples, string path)
    {
        var plot = new Plot();
        foreach (var (process, i) in samples.GroupBy(sample => sample.Name).Select((group, i) => (group, i)))
        {
            var line = plot.Add.Scatter(process.Select(sample => sample.At).ToArray(), process.Select(sample => sample.ResidentMebibytes).ToArray(), Colors.GetColor(i));
            (line.LineWidth, line.MarkerSize, line.LegendText) = (2, 0, process.Key);
        }
        FromZero(plot);
        Save(plot, "Resident memory per process", "seconds", "MiB", path);
    }

    private static double Nines(double share) => -Math.Log10(1 - share);

    private static void Decades(Plot plot)
    {
        var limits = plot.Axes.GetLimits();
        var (low, high) = ((int)Math.Floor(limits.Bottom), (int)Math.Ceiling(limits.Top));
        int[] decades = [.. Enumerable.Range(low, Math.Max(1, high - low) + 1)];
        plot.Axes.Left.SetTicks([.. decades.Select(decade => (double)decade)], [.. decades.Select(decade => $"{Math.Pow(10, decade):#,0.###}")]);
        plot.Axes.SetLimitsY(low, high);
    }

    internal static void FromZero(Plot plot)
    {
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top * 1.05);
    }

    internal static void Save(Plot plot, string title, string x, string y, string path)
    {
        plot.Title(title);
        plot.XLabel(x);
        plot.YLabel(y);
        plot.ShowLegend(Edge.Right);
        plot.SavePng(path, WidthPixels, HeightPixels);
    }
}
