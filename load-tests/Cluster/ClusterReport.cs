using System.Globalization;
using System.Text;
using R1Grains.LoadTests.Checks;
using R1Grains.LoadTests.Clients;
using R1Grains.LoadTests.Turns;

namespace R1Grains.LoadTests.Cluster;

/// <param name="Rate">Turns a second that were asked.</param>
/// <param name="Began">When the load did, a timestamp.</param>
internal sealed record SurvivedRun(
    ClusterRunPlan Plan, double Rate, long Began, IReadOnlyList<Impact> Impacts, IReadOnlyList<SeenTurn> Turns, IReadOnlyList<ProcessSample> Memory, Account Account, Figures Figures);

/// <summary>A run with faults as a Markdown page with pictures.</summary>
internal static class ClusterReport
{
    public static async Task Write(string folder, SurvivedRun run, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        ClusterPicture.Timeline(run.Turns, run.Impacts, run.Began, Path.Combine(folder, "timeline.png"));
        ClusterPicture.Pauses(run.Impacts, Path.Combine(folder, "pauses.png"));
        TurnsPicture.Memory(run.Memory, Path.Combine(folder, "memory.png"));
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), Page(run), cancellation);
    }

    private static string Page(SurvivedRun run)
    {
        var (plan, page) = (run.Plan, new StringBuilder());
        page.AppendLine(CultureInfo.InvariantCulture, $"""
            # A cluster under faults

            {plan.Cluster.Members.Count} processes ({string.Join(", ", plan.Cluster.Members.Select(member => member.Name))}) on a machine with {Environment.ProcessorCount} cores that their clients share; {plan.Cluster.Rows} rows a device, {plan.Cluster.Pace.TokensPerSecond:0.#} tokens a second each. {run.Rate:0.#} turns a second, {plan.Load:p0} of what the rows can answer, for {plan.FaultTime.TotalSeconds:0} s.

            ![Tokens per second over time, with the faults](timeline.png)

            ![Pauses by kind of fault](pauses.png)

            ![Memory per process over time](memory.png)

            ## Faults

            A pause is the time from the last piece that a client had before the fault to the first piece after it; an answer that went on within a second was not touched.

            | fault | done | in mid-answer | mended | answers touched | pause p50 | p95 | longest |
            |---|---:|---:|---:|---:|---:|---:|---:|
            """);
        foreach (var group in run.Impacts.GroupBy(impact => (impact.Fault.Kind, impact.Fault.Role)).OrderBy(group => Faults.Rank(group.Key.Kind)).ThenBy(group => group.Key.Role, StringComparer.Ordinal))
        {
            List<double> seconds = [.. group.SelectMany(impact => impact.Seconds)];
            page.AppendLine(CultureInfo.InvariantCulture, $"| {group.Key.Kind} {group.Key.Role} | {group.Count()} | {group.Count(impact => impact.MidAnswer > 0)} | {group.Count(impact => impact.Fault.Mended is not null)} | {seconds.Count} | {Show(seconds.Median())} | {Show(seconds.Quantile(0.95))} | {Show(seconds.Quantile(1))} |");
        }
        page.AppendLine(CultureInfo.InvariantCulture, $"""

            ## Figures

            {run.Figures.ToMarkdown()}
            ## What clients saw and what is recorded

            {run.Account.TurnsSeen} turns that clients saw, {run.Account.PiecesCompared} pieces and {run.Account.CharactersCompared} characters were compared with {run.Account.TurnsRecorded} turns of the record.

            """);
        foreach (var defect in run.Account.Defects) page.AppendLine(CultureInfo.InvariantCulture, $"- {defect.Kind}: {defect.Where}: {defect.What}");
        return page.ToString();
    }

    private static string Show(double seconds) => double.IsFinite(seconds) ? $"{seconds:0.0} s" : "–";
}
