using ScottPlot;
using ScottPlot.MultiplotLayouts;

namespace R1Grains.LoadTests;

/// <summary>The figures of <see cref="ContextBenchmark"/>, three panels beside each other over the length of the context.</summary>
internal static class ContextPicture
{
    private const int WidthPixels = 1_500, HeightPixels = 420;

    public static void Draw(IReadOnlyList<ContextFigures> models, string path)
    {
        var picture = new Multiplot();
        picture.AddPlots(3);
        picture.Layout = new Columns();
        Panel(picture.GetPlot(0), models, "Resident memory", "MiB", Alignment.UpperLeft, ("in all", row => row.ResidentMebibytes), ("keys and values", row => row.KvMebibytes));
        Panel(picture.GetPlot(1), models, "Prefill", "tokens per second", Alignment.UpperRight, ("whole prompt", row => row.PrefillPerSecond), ("at its end", row => row.PrefillAtTheEndPerSecond));
        Panel(picture.GetPlot(2), models, "From token to token, one row", "ms", Alignment.UpperLeft, ("median", row => row.BetweenP50Ms));
        picture.SavePng(path, WidthPixels, HeightPixels);
    }

    /// <summary>A colour for each model; the first curve is drawn through, the second dashed.</summary>
    private static void Panel(Plot plot, IReadOnlyList<ContextFigures> models, string title, string unit, Alignment legend, params (string Name, Func<ContextRow, double> Value)[] curves)
    {
        var colors = new ScottPlot.Palettes.Category10();
        for (var model = 0; model < models.Count; model++)
            for (var curve = 0; curve < curves.Length; curve++)
            {
                var line = plot.Add.Scatter(
                    models[model].Rows.Select(row => Math.Log2(row.Length)).ToArray(),
                    models[model].Rows.Select(curves[curve].Value).ToArray(),
                    colors.GetColor(model));
                line.LegendText = curves.Length == 1 ? models[model].Model : $"{models[model].Model}: {curves[curve].Name}";
                line.LineWidth = 2;
                line.LinePattern = curve == 0 ? LinePattern.Solid : LinePattern.Dashed;
            }
        int[] lengths = [.. models.SelectMany(model => model.Rows).Select(row => row.Length).Distinct()];
        plot.Axes.Bottom.SetTicks([.. lengths.Select(length => Math.Log2(length))], [.. lengths.Select(length => $"{length / 1_024}K")]);
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top);
        plot.Title(title);
        plot.XLabel("positions");
        plot.YLabel(unit);
        plot.ShowLegend(legend);
    }
}
