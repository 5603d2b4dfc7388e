using System.Diagnostics;
using System.Text.Json;
using R1Grains.Ledger;
using R1Grains.LoadTests.Checks;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Cluster;

/// <param name="Own">Servers that were started for the run, which faults may be done to; null where others were named.</param>
/// <param name="IsNamed">Whether these very processes are to be saturated, and not three with all roles.</param>
/// <param name="FaultTime">How long faults are done.</param>
/// <param name="Load">Share of what the rows can answer.</param>
/// <param name="IdleConversations">How many there are at once.</param>
/// <param name="Folder">Where to write what was seen; null for nowhere.</param>
internal sealed record ClusterRunPlan(
    ClusterPlan Cluster, OwnServers? Own, bool IsNamed, IReadOnlyList<string> Sections, IReadOnlyList<string> FaultKinds, TimeSpan FaultTime, double Load, TimeSpan SaturatedTime, int IdleConversations, int Seed, string? Folder);

/// <summary>The sections of the subject <c>cluster</c>, each with processes of its own.</summary>
internal sealed class ClusterRun(ClusterRunPlan plan)
{
    private const string FaultsSection = "faults", SaturationSection = "saturation", ScaleSection = "scale", LatencySection = "latency", IdleSection = "idle";
    private const string AllRoles = "gateway,conversation,inference";
    private const double SaturatedTokensPerSecond = 50;

    /// <summary>Of each device; three of them then give 5,000 tokens a second.</summary>
    private const int SaturatedRows = 34;
    private const int Silos = 3;

    // Their few turns are not what is measured.
    private const double IdleTokensPerSecond = 200;
    private const int IdleAnswerLength = 60;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(8);
    private const double QuietRate = 2;
    private static readonly TimeSpan QuietTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TurnTime = TimeSpan.FromSeconds(60);

    // Of the clients that faults are done to: so many read an answer in twice the time in which it comes, over connections that carry little.
    private const double SlowShare = 0.1;
    private const int SlowBytesPerSecond = 1_500;
    private static readonly TimeSpan SlowPause = TimeSpan.FromSeconds(0.7);
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static readonly IReadOnlyList<string> Sections = [SaturationSection, ScaleSection, LatencySection, IdleSection, FaultsSection];

    public Figures Figures { get; } = new();

    private bool IsEmbedded => plan.Cluster.Connections.Count == 0;

    public async Task MeasureAsync(CancellationToken cancellation)
    {
        if (plan.Sections.Contains(SaturationSection))
        {
            var saturation = await Saturate(plan.IsNamed ? plan.Cluster : plan.Cluster with { Members = OfAllRoles(Silos) }, cancellation);
            Figures.Add("saturated_tokens_per_second", saturation.TokensPerSecond);
            Figures.Add("cpu_us_per_token", saturation.CpuMicrosecondsPerToken);
        }
        if (plan.Sections.Contains(ScaleSection)) await Scale(cancellation);
        if (plan.Sections.Contains(LatencySection)) await CompareLatency(cancellation);
        if (plan.Sections.Contains(IdleSection)) await BeIdle(cancellation);
        if (plan.Sections.Contains(FaultsSection)) await Survive(cancellation);
    }

    /// <summary>Three silos with all roles against one, both saturated and both with the same record.</summary>
    private async Task Scale(CancellationToken cancellation)
    {
        if (IsEmbedded)
        {
            Figures.LeaveOut("one process has nothing to scale", "scale_3_over_1");
            return;
        }
        var one = await Saturate(plan.Cluster with { Members = OfAllRoles(1) }, cancellation);
        var three = await Saturate(plan.Cluster with { Members = OfAllRoles(Silos) }, cancellation);
        Figures.Add("saturated_tokens_per_second_1", one.TokensPerSecond);
        Figures.Add("saturated_tokens_per_second_3", three.TokensPerSecond);
        Figures.Add("scale_3_over_1", three.TokensPerSecond / one.TokensPerSecond);
    }

    /// <summary>What the way through a cluster adds to the first text, at a load that nobody notices.</summary>
    private async Task CompareLatency(CancellationToken cancellation)
    {
        var embedded = await FirstText(plan.Cluster with { Members = ClusterPlan.Parse(ClusterPlan.Embedded), Connections = new Dictionary<string, string>() }, cancellation);
        Figures.Add("embedded_ttft_ms_p50", embedded);
        if (IsEmbedded)
        {
            Figures.LeaveOut("one process has nothing to add", "added_ttft_ms_p50");
            return;
        }
        var cluster = await FirstText(plan.Cluster, cancellation);
        Figures.Add("cluster_ttft_ms_p50", cluster);
        Figures.Add("added_ttft_ms_p50", cluster - embedded);
    }

    /// <summary>What conversations in which nobody speaks cost three silos, and what the loss of one of these does to them.</summary>
    private async Task BeIdle(CancellationToken cancellation)
    {
        if (IsEmbedded)
        {
            Figures.LeaveOut("one process holds them all and has nowhere to lose them to", "idle_grain_bytes", "activation_ms_p99", "silo_loss_recovered_s");
            return;
        }
        var brief = plan.Cluster with { Members = OfAllRoles(Silos), Pace = new(IdleTokensPerSecond, IdleAnswerLength) };
        Progress.Say($"starting {Names(brief)} for {plan.IdleConversations:n0} idle conversations");
        await new IdleRun(brief, plan.IdleConversations, plan.Seed, Figures).MeasureAsync(cancellation);
    }

    /// <summary>In milliseconds, the median.</summary>
    private async Task<double> FirstText(ClusterPlan wanted, CancellationToken cancellation)
    {
        var fast = Fast(wanted);
        Progress.Say($"starting {Names(fast)} for the first text");
        await using var cluster = await LocalCluster.StartAsync(fast, cancellation);
        using var servers = new Servers(cluster.Gateways);
        var (crowd, witness) = Crowd(servers);
        var load = new PacedLoad(crowd, fast.Pace);
        await load.Arrive(QuietRate, WarmUp, plan.Seed, cancellation);
        var before = witness.Turns.Count;
        await load.Arrive(QuietRate, QuietTime, plan.Seed + 1, cancellation);
        return witness.Turns.Skip(before).Where(turn => turn.Pieces.Count > 0).Select(turn => Stopwatch.GetElapsedTime(turn.Due, turn.Pieces[0].At).TotalMilliseconds).Median();
    }

    private async Task<Saturation> Saturate(ClusterPlan wanted, CancellationToken cancellation)
    {
        var fast = Fast(wanted) with { Rows = SaturatedRows };
        Progress.Say($"starting {Names(fast)} for saturation");
        await using var cluster = await LocalCluster.StartAsync(fast, cancellation);
        using var servers = new Servers(cluster.Gateways);
        await using var watch = new ProcessWatch(() => cluster.Processes);
        var (crowd, witness) = Crowd(servers);
        var saturation = await Saturation.MeasureAsync(new(crowd, fast.Pace), witness, watch, 2 * Devices(fast) * fast.Rows, plan.SaturatedTime, cancellation);
        Progress.Say($"{saturation.TokensPerSecond:n0} tokens a second, {saturation.CpuMicrosecondsPerToken:0.#} µs of our processes each, {watch.PeakTotalMebibytes:n0} MiB");
        return saturation;
    }

    private static ClusterPlan Fast(ClusterPlan cluster) => cluster with { Pace = cluster.Pace with { TokensPerSecond = SaturatedTokensPerSecond } };

    private static IReadOnlyList<MemberPlan> OfAllRoles(int count) => [.. Enumerable.Range(1, count).Select(number => new MemberPlan($"silo-{number}", AllRoles))];

    private async Task Survive(CancellationToken cancellation)
    {
        Progress.Say($"starting {Names(plan.Cluster)} for faults");
        await using var cluster = await LocalCluster.StartAsync(plan.Cluster with { Connections = plan.Own?.ThroughDoors ?? plan.Cluster.Connections, Logs = plan.Folder is { } report ? Path.Combine(report, "logs") : null }, cancellation);
        await using var doors = new Doors(cluster.Gateways, bytesPerSecond: null);
        await using var slowDoors = new Doors(cluster.Gateways, SlowBytesPerSecond);
        using var servers = new Servers(doors.Addresses);
        using var slowServers = new Servers(slowDoors.Addresses);
        await using var watch = new ProcessWatch(() => cluster.Processes);
        var (crowd, witness) = Crowd(servers);
        var slow = Crowd(slowServers, witness, SlowPause);
        var began = Stopwatch.GetTimestamp();
        var faults = new Faults(
            cluster, [.. plan.Own?.Faults ?? [], new(Faults.ClientsCut, "clients", _ => doors.Cut())], plan.FaultKinds,
            () => witness.Turns.Any(turn => turn.End is SeenEnd.None && turn.Pieces.Count > 0), plan.Seed);
        var rate = plan.Load * Devices(plan.Cluster) * plan.Cluster.Rows * plan.Cluster.Pace.TokensPerSecond / (plan.Cluster.Pace.AnswerLength + PacedAnswers.Reasoning.Length);
        Progress.Say($"{rate:0.#} turns a second for {plan.FaultTime.TotalSeconds:0} s, and {string.Join(", ", plan.FaultKinds)}");
        var (load, slowLoad) = (new PacedLoad(crowd, plan.Cluster.Pace), new PacedLoad(slow, plan.Cluster.Pace));
        await Task.WhenAll(
            load.Arrive((1 - SlowShare) * rate, plan.FaultTime, plan.Seed, cancellation),
            slowLoad.Arrive(SlowShare * rate, plan.FaultTime, plan.Seed + 1, cancellation, PacedLoad.Slow),
            faults.RunAsync(plan.FaultTime, cancellation));

        Progress.Say($"{faults.Done.Count} faults; trying every conversation once more");
        var unable = await Inspection.Unable(crowd, witness.Turns.Select(turn => turn.Question.Conversation).Distinct(), cancellation);
        var record = await ReadRecord(cluster, servers, witness, cancellation);
        var account = Checker.Check(witness.Turns, record, unable, TimeProvider.System.GetUtcNow(), TurnTime);
        Inspection.Tell(account);
        Inspection.Add(account, Figures);
        Figures.Add("conversations_unopened", load.Unopened + slowLoad.Unopened);
        Figures.Add("rss_total_mib", watch.PeakTotalMebibytes);
        var impacts = Impact.Of(faults.Done, witness.Turns, record);
        Judge(faults, impacts, witness.Turns);
        if (plan.Folder is not { } folder) return;
        await Write(folder, witness, faults, cancellation);
        await ClusterReport.Write(folder, new(plan, rate, began, impacts, witness.Turns, watch.Samples, account, Figures), cancellation);
    }

    private void Judge(Faults faults, IReadOnlyList<Impact> impacts, IReadOnlyList<SeenTurn> seen)
    {
        Figures.Add("false_deaths", faults.FalseDeaths);
        Figures.Add("faults_done", impacts.Count);
        // The cluster is whole again, and a turn that was asked for afterwards was answered.
        Figures.Add("faults_survived", impacts.Count(impact => impact.Fault.Mended is not null && seen.Any(turn => turn.Due > impact.Fault.At && turn.End is SeenEnd.Completed)));
        // One process has nowhere to fail over to: what it shows is how long it takes to come back, and that has no gate.
        var (midAnswer, pause) = IsEmbedded ? ("restarts_mid_answer", "restart_pause") : ("faults_mid_answer", "failover_pause");
        Figures.Add(midAnswer, impacts.Count(impact => impact.MidAnswer > 0));
        Figures.Add("faults_touched_answers", impacts.Count(impact => impact.Seconds.Count > 0));
        foreach (var ofKind in impacts.GroupBy(impact => impact.Fault.Kind).OrderBy(ofKind => Faults.Rank(ofKind.Key)))
        {
            var key = ofKind.Key switch { Faults.Kill => "killed", Faults.Freeze => "frozen", Faults.Terminate => "terminated", var other => other.Replace('-', '_') };
            AddPauses($"{pause}s_{key}", $"{pause}_{key}_s", ofKind);
            if (IsEmbedded || !Faults.OfProcesses.Contains(ofKind.Key)) continue;
            foreach (var ofRole in ofKind.GroupBy(impact => impact.Fault.Role).OrderBy(ofRole => ofRole.Key, StringComparer.Ordinal))
                AddPauses($"{pause}s_{key}_{RoleKey(ofRole.Key)}", $"{pause}_{key}_{RoleKey(ofRole.Key)}_s", ofRole);
        }
        var visits = seen.Where(turn => turn.Question.Class is PacedLoad.Visit or PacedLoad.Slow).ToList();
        Figures.Add("turns_asked", visits.Count);
        foreach (var (reason, count) in visits.Where(turn => turn.End is not SeenEnd.Completed).CountBy(turn => $"{turn.End}: {turn.Reason}"))
            Progress.Say($"{count} turns not completed, {reason}");
        Figures.Add("turns_not_completed", visits.Count(turn => turn.End is not SeenEnd.Completed));
    }

    private void AddPauses(string count, string key, IEnumerable<Impact> impacts)
    {
        List<double> pauses = [.. impacts.SelectMany(impact => impact.Seconds)];
        if (pauses.Count == 0) return;
        Figures.Add(count, pauses.Count);
        Figures.Add($"{key}_p50", pauses.Median());
        Figures.Add($"{key}_p95", pauses.Quantile(0.95));
    }

    private static string RoleKey(string roles) => roles.Replace(',', '_');

    /// <summary>Of an embedded host the record itself is read once it has stopped; else the servers are asked.</summary>
    private async Task<IReadOnlyList<RecordedTurn>> ReadRecord(LocalCluster cluster, Servers servers, Witness witness, CancellationToken cancellation)
    {
        if (!IsEmbedded) return await Inspection.Read(new WireRecord(servers, new Dictionary<string, string?> { ["demo"] = null }), witness.Turns, cancellation);
        var host = cluster.Members.Single();
        await host.Terminate();
        var verification = await RecordVerifier.VerifyAsync(cluster.DataOf(host), cancellation: cancellation);
        Progress.Say(verification.Valid ? "every hash of the record agrees" : $"the record contradicts itself: {verification.FirstBad}");
        Figures.Add("record_contradictions", verification.Bad);
        await using var record = await SqliteRecord.OpenAsync(cluster.DataOf(host), cancellation: cancellation);
        return await Inspection.Read(new RecordOnDisk(record), witness.Turns, cancellation);
    }

    private (Crowd, Witness) Crowd(Servers servers)
    {
        var witness = new Witness();
        return (Crowd(servers, witness), witness);
    }

    private static Crowd Crowd(Servers servers, Witness witness, TimeSpan readPause = default) =>
        new(servers, [("demo", null)], new(TurnTime, ObeysAdvice: true, readPause), witness, $"c{Guid.NewGuid():n}"[..9]);

    private static async Task Write(string folder, Witness witness, Faults faults, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        await witness.Write(Path.Combine(folder, "seen.jsonl"), cancellation);
        await File.WriteAllLinesAsync(Path.Combine(folder, "faults.jsonl"), faults.Done.Select(fault => JsonSerializer.Serialize(fault, JsonOptions)), cancellation);
    }

    private static int Devices(ClusterPlan cluster) => cluster.Members.Count(member => member.Roles is ClusterPlan.Embedded || member.Roles.Contains("inference", StringComparison.Ordinal));

    private static string Names(ClusterPlan cluster) => string.Join(", ", cluster.Members.Select(member => member.Name));
}
