using System.Globalization;
using ScottPlot;

namespace R1Grains.Tuning.Training;

/// <summary>The losses of a run as <c>losses.csv</c>, appended line by line, and as <c>losses.png</c>.</summary>
internal sealed class LossPicture(string runFolder)
{
    public const string FileName = "losses.png";

    private readonly string _csv = Path.Combine(runFolder, "losses.csv");

    /// <param name="series"><c>train</c>, or the name of a validation set.</param>
    /// <param name="loss">Nats per supervised token.</param>
    public void Add(string series, double minutes, double loss) =>
        File.AppendAllText(_csv, string.Create(CultureInfo.InvariantCulture, $"{series},{minutes:0.000},{loss:0.0000}\n"));

    public void Draw()
    {
        var points = File.ReadLines(_csv).Select(line => line.Split(','))
            .Select(f => (Series: f[0], Minutes: double.Parse(f[1], CultureInfo.InvariantCulture), Loss: double.Parse(f[2], CultureInfo.InvariantCulture)));
        using var plot = new Plot();
        foreach (var series in points.GroupBy(p => p.Series))
        {
            var line = plot.Add.ScatterLine(series.Select(p => p.Minutes).ToArray(), series.Select(p => Math.Log10(Math.Max(p.Loss, 1e-4))).ToArray());
            line.LegendText = series.Key;
        }
        plot.Title("Loss per supervised token");
        plot.XLabel("minutes");
        plot.YLabel("log10 of nats");
        plot.ShowLegend(Edge.Right);
        plot.SavePng(Path.Combine(runFolder, FileName), 1000, 600);
    }
}
