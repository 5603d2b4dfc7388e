using System.Globalization;
using Spectre.Console;

namespace R1Grains.Tuning.Training;

/// <summary>A run on the terminal: a progress bar for people, a line every 50 steps where output is piped.</summary>
internal sealed class RunView(double minutes)
{
    private const int StepsPerLine = 50;

    /// <summary>Runs <paramref name="run"/> with a function that takes each report and returns a mean loss where a line is due.</summary>
    public void Show(Action<Func<StepReport, double?>> run)
    {
        var (sum, steps) = (0.0, 0);
        double? Due(StepReport report, Action<string> line)
        {
            (sum, steps) = (sum + report.Loss, steps + 1);
            if (report.State.Step % StepsPerLine != 0)
                return null;
            var mean = sum / steps;
            (sum, steps) = (0, 0);
            line(string.Create(CultureInfo.InvariantCulture,
                $"step {report.State.Step,6}  {report.State.ElapsedSeconds / 60,6:0.00}/{minutes:0} min  loss {mean:0.0000}  rate {report.Rate:0.00000}  {report.State.Tokens / report.State.ElapsedSeconds,6:0} tok/s  {report.State.Tokens / 1e6:0.00} M"));
            return mean;
        }

        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
        {
            run(report => Due(report, Console.WriteLine));
            return;
        }
        AnsiConsole.Progress().Start(context =>
        {
            var bar = context.AddTask("training", maxValue: 1);
            run(report =>
            {
                bar.Value = report.Progress;
                return Due(report, line => bar.Description = Markup.Escape(line));
            });
            bar.Value = 1;
        });
    }
}
