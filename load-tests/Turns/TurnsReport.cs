using System.Globalization;
using System.Text;
using Spectre.Console;

namespace R1Grains.LoadTests.Turns;

/// <summary>The figures for people: a table, or a Markdown page with pictures.</summary>
internal static class TurnsReport
{
    private static readonly (string Name, Func<ClassFigures, string> Show)[] Rows =
    [
        ("turns offered a second", figures => Show(figures.Rate)),
        ("turns_per_second", figures => Show(figures.TurnsPerSecond)),
        ("ttft_ms_p50", figures => Show(figures.Quantile(figures.Ttft, 0.5))),
        ("ttft_ms_p99", figures => Show(figures.Quantile(figures.Ttft, 0.99))),
        ("turn_ms_p50", figures => Show(figures.Quantile(figures.Turn, 0.5))),
        ("turn_ms_p99", figures => Show(figures.Quantile(figures.Turn, 0.99))),
        ("tokens_per_second", figures => Show(figures.TokensPerSecond)),
        ("tokens a turn", figures => Show(figures.TokensMean)),
        ("rss_total_mib", figures => Show(figures.PeakMebibytes)),
        ("turns", figures => $"{figures.Asked}"),
        ("not completed", figures => figures.Errors.Count == 0 ? "0" : string.Join(", ", figures.Errors.Select(error => $"{error.Key} {error.Value}"))),
    ];

    public static Table Table(TurnsResult result)
    {
        var table = new Table().AddColumns(["", .. result.Classes.Select(figures => figures.Class)]);
        foreach (var (name, show) in Rows) table.AddRow([name, .. result.Classes.Select(figures => Markup.Escape(show(figures)))]);
        return table;
    }

    public static async Task Write(TurnsResult result, string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        TurnsPicture.Latency(result.Classes, Path.Combine(folder, "latency.png"));
        TurnsPicture.Tokens(result.Witness.Turns, [.. result.Classes.Select(figures => figures.Class)], result.Began, Path.Combine(folder, "tokens.png"));
        if (result.Memory.Count > 0) TurnsPicture.Memory(result.Memory, Path.Combine(folder, "memory.png"));
        await result.Witness.Write(Path.Combine(folder, "seen.jsonl"), cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), Page(result), cancellation);
    }

    private static string Page(TurnsResult result)
    {
        var plan = result.Plan;
        var page = new StringBuilder();
        page.AppendLine(CultureInfo.InvariantCulture, $"""
            # Turns under load

            {(plan.Servers is null ? "The embedded host in a process of its own" : $"{plan.Servers.Count} gateways")}, on a machine with {Environment.ProcessorCount} cores that its clients share. Turns come at times that do not depend on the answers (Poisson, {plan.Seconds:0.#} s{(plan.Together ? ", all classes at once" : ", one class after the other")}); every latency counts from the moment at which the turn was due. A quantile that falls among turns that were not completed is not a number.

            | | {string.Join(" | ", result.Classes.Select(figures => figures.Class))} |
            |---|{string.Concat(result.Classes.Select(_ => "---:|"))}
            """);
        foreach (var (name, show) in Rows) page.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {string.Join(" | ", result.Classes.Select(show))} |");
        page.AppendLine();
        foreach (var (requests, _) in plan.Classes) page.AppendLine(CultureInfo.InvariantCulture, $"- **{requests.Name}**: {requests.What}");
        foreach (var (name, rate) in result.Saturation) page.AppendLine(CultureInfo.InvariantCulture, $"- **{name}**, saturated: {rate:0.##} turns a second");
        page.AppendLine(CultureInfo.InvariantCulture, $"""

            ![Latency percentiles per class](latency.png)

            ![Tokens per second over time](tokens.png)

            {(result.Memory.Count > 0 ? "![Memory per process over time](memory.png)" : "The servers' memory was not watched.")}

            ## What clients saw and what is recorded

            {result.Account.TurnsSeen} turns that clients saw, {result.Account.PiecesCompared} pieces and {result.Account.CharactersCompared} characters were compared with {result.Account.TurnsRecorded} turns of the record.

            | defect | |
            |---|---|
            """);
        foreach (var kind in Checks.DefectKind.All) page.AppendLine(CultureInfo.InvariantCulture, $"| `{kind}` | {result.Account.Count(kind)} |");
        foreach (var defect in result.Account.Defects) page.AppendLine(CultureInfo.InvariantCulture, $"- {defect.Kind}: {defect.Where}: {defect.What}");
        return page.ToString();
    }

    private static string Show(double value) => double.IsFinite(value) ? Math.Abs(value) >= 100 ? $"{value:n0}" : $"{value:0.##}" : "–";
}
