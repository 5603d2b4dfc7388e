using System.Diagnostics;
using R1Grains.LoadTests.Clients;
using R1Grains.LoadTests.Turns;
using ScottPlot;

namespace R1Grains.LoadTests.Cluster;

/// <summary>A run with faults, in pictures.</summary>
internal static class ClusterPicture
{
    private static readonly ScottPlot.Palettes.Category20 Colors = new();

    /// <summary>Characters of answers, which are tokens here, as they reach the clients, and each fault from its beginning until it was mended.</summary>
    public static void Timeline(IReadOnlyList<SeenTurn> turns, IReadOnlyList<Impact> impacts, long began, string path)
    {
        var plot = new Plot();
        var kinds = Kinds(impacts);
        var labelled = new HashSet<string>();
        foreach (var impact in impacts)
        {
            var (kind, from) = (impact.Fault.Kind, Stopwatch.GetElapsedTime(began, impact.Fault.At).TotalSeconds);
            var span = plot.Add.HorizontalSpan(from, from + ((impact.Fault.Mended - impact.Fault.Time)?.TotalSeconds ?? 0), Colors.GetColor(kinds.IndexOf(kind)).WithAlpha(0.45));
            span.LineWidth = 0;
            if (labelled.Add(kind)) span.LegendText = kind;
        }
        var perSecond = new SortedDictionary<int, double>();
        foreach (var piece in turns.SelectMany(turn => turn.Pieces))
            if ((int)Stopwatch.GetElapsedTime(began, piece.At).TotalSeconds is var second) perSecond[second] = perSecond.GetValueOrDefault(second) + piece.Text.Length;
        var seconds = Enumerable.Range(0, perSecond.Keys.LastOrDefault() + 1).ToList();
        var line = plot.Add.Scatter(seconds.Select(second => (double)second).ToArray(), seconds.Select(second => perSecond.GetValueOrDefault(second)).ToArray(), ScottPlot.Colors.Black);
        (line.LineWidth, line.MarkerSize) = (1.5f, 0);
        TurnsPicture.FromZero(plot);
        TurnsPicture.Save(plot, "Tokens as they reach the clients", "seconds", "tokens per second", path);
    }

    /// <summary>Each answer that a fault touched, by the fault's kind and the role of its process.</summary>
    public static void Pauses(IReadOnlyList<Impact> impacts, string path)
    {
        var plot = new Plot();
        var groups = impacts.Where(impact => impact.Seconds.Count > 0).GroupBy(impact => Name(impact.Fault)).OrderByDescending(group => group.Key, StringComparer.Ordinal).ToList();
        for (var i = 0; i < groups.Count; i++)
        {
            // Beside each other, in the order of their lengths, so that none hides another.
            double[] seconds = [.. groups[i].SelectMany(impact => impact.Seconds).Order()];
            var points = plot.Add.ScatterPoints(seconds, seconds.Select((_, rank) => i - 0.3 + 0.6 * (rank + 0.5) / seconds.Length).ToArray(), Colors.GetColor(i));
            (points.MarkerSize, points.LegendText) = (4, $"{seconds.Length} answers");
        }
        plot.Axes.Left.SetTicks([.. groups.Select((_, i) => (double)i)], [.. groups.Select(group => group.Key)]);
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsX(0, plot.Axes.GetLimits().Right);
        TurnsPicture.Save(plot, "From the last piece before a fault to the first piece after", "seconds", "", path);
    }

    private static string Name(Fault fault) => fault.Role == fault.Target ? fault.Kind : $"{fault.Kind} {fault.Role}";

    private static List<string> Kinds(IEnumerable<Impact> impacts) => [.. impacts.Select(impact => impact.Fault.Kind).Distinct().Order(StringComparer.Ordinal)];
}
