using System.Diagnostics;
using R1Grains.Ledger;
using R1Grains.LoadTests.Checks;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Turns;

/// <param name="Servers">Null for an embedded host of our own.</param>
/// <param name="Classes">Each with its rate, in turns a second.</param>
internal sealed record TurnsPlan(
    IReadOnlyList<string>? Servers,
    IReadOnlyList<Tenant> Tenants,
    int TenantCount,
    string? Model,
    IReadOnlyList<(RequestClass Class, double Rate)> Classes,
    double Seconds,
    TimeSpan TurnTime,
    bool Together,
    bool Ladder,
    IReadOnlyList<int> Processes,
    int Seed);

/// <param name="Saturation">The most turns a second that were answered, by class; empty without a ladder.</param>
/// <param name="Began">A timestamp.</param>
internal sealed record TurnsResult(
    TurnsPlan Plan,
    IReadOnlyList<ClassFigures> Classes,
    IReadOnlyDictionary<string, double> Saturation,
    Figures Figures,
    Account Account,
    Witness Witness,
    IReadOnlyList<ProcessSample> Memory,
    long Began);

/// <summary>Offers the load, watches the servers meanwhile, and compares afterwards.</summary>
internal sealed class TurnsRun
{
    private const int WarmUpTurns = 8;
    private const int ProbesMax = 32;
    private const double LadderStep = 1.5;
    private const double Answered = 0.9;
    private const double ErrorsMax = 0.01;
    private static readonly TimeSpan ServingPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);

    private readonly TurnsPlan _plan;
    private readonly Crowd _crowd;
    private readonly ProcessWatch _watch;
    private readonly Dictionary<string, double> _saturation = [];
    private int _trials;

    private TurnsRun(TurnsPlan plan, Crowd crowd, ProcessWatch watch) => (_plan, _crowd, _watch) = (plan, crowd, watch);

    public static IReadOnlyList<RequestClass> Classes(int turns, TimeSpan think) =>
    [
        new Replays(),
        new SingleTurns("retrieval", 4, "a question about a product of the fact sheet, in a conversation of its own: a short answer from a document", Wording.Retrieval),
        new SingleTurns("generation", 2, "a question about two products in words that nobody used before: the longest answers that the shipped model gives, most of it reasoning", Wording.Generation),
        new Visits(turns, think),
    ];

    public static async Task<TurnsResult> MeasureAsync(TurnsPlan plan, CancellationToken cancellation)
    {
        await using var embedded = plan.Servers is null ? await EmbeddedServer.StartAsync(plan.TenantCount, plan.Model, cancellation) : null;
        IReadOnlyList<(string Name, string? Token)> tenants = [.. (embedded?.Tenants ?? plan.Tenants).Select(tenant => (tenant.Name, tenant.Token))];
        using var servers = new Servers(plan.Servers ?? [embedded!.Address]);
        Progress.Say($"asking {string.Join(", ", servers.Addresses)} as {string.Join(", ", tenants.Select(tenant => tenant.Name))}");
        await servers.UntilServing(ServingPatience, cancellation);

        var (witness, began) = (new Witness(), Stopwatch.GetTimestamp());
        await using var watch = new ProcessWatch(() => embedded is not null ? [("host", embedded.Process.Id)] : plan.Processes.Select(id => ($"process {id}", id)));
        var crowd = new Crowd(servers, tenants, new(plan.TurnTime, ObeysAdvice: false), witness, $"t{Guid.NewGuid():n}"[..9]);
        var run = new TurnsRun(plan, crowd, watch);
        var classes = await run.Offer(cancellation);

        Progress.Say("comparing what was seen with the record");
        var unable = await Inspection.Unable(crowd, Probed(witness.Turns), cancellation);
        var recorded = await ReadRecord(embedded, servers, tenants, witness, cancellation);
        var account = Checker.Check(witness.Turns, recorded, unable, TimeProvider.System.GetUtcNow(), plan.TurnTime);
        Inspection.Tell(account);

        var figures = new Figures();
        Inspection.Add(account, figures);
        if (double.IsFinite(watch.PeakTotalMebibytes)) figures.Add("rss_total_mib", watch.PeakTotalMebibytes);
        else figures.LeaveOut("no --pid", "rss_total_mib");
        return new(plan, classes, run._saturation, figures, account, witness, watch.Samples, began);
    }

    private async Task<IReadOnlyList<ClassFigures>> Offer(CancellationToken cancellation)
    {
        foreach (var caller in await _crowd.Open(WarmUpTurns, cancellation))
            await caller.Ask("warm-up", Wording.Retrieval(0), Stopwatch.GetTimestamp(), cancellation);
        if (_plan.Together)
        {
            var prepared = new List<Func<Task<ClassFigures>>>();
            foreach (var (requests, rate) in _plan.Classes) prepared.Add(await Prepare(requests, rate, cancellation));
            return await Task.WhenAll(prepared.Select(begin => begin()));
        }
        var figures = new List<ClassFigures>();
        foreach (var (requests, rate) in _plan.Classes)
            figures.Add(_plan.Ladder ? await Climb(requests, rate, cancellation) : await (await Prepare(requests, rate, cancellation))());
        return figures;
    }

    /// <returns>What the highest rate got that was answered.</returns>
    private async Task<ClassFigures> Climb(RequestClass requests, double rate, CancellationToken cancellation)
    {
        ClassFigures? best = null;
        while (true)
        {
            var figures = await (await Prepare(requests, rate, cancellation))();
            _saturation[requests.Name] = Math.Max(_saturation.GetValueOrDefault(requests.Name), figures.TurnsPerSecond);
            // What came by chance, not what was planned: few arrivals scatter.
            var offered = figures.Asked / (_plan.Seconds + requests.Lasts.TotalSeconds);
            if (figures.TurnsPerSecond < Answered * offered || figures.Asked - figures.Completed > ErrorsMax * figures.Asked) return best ?? figures;
            best = figures;
            rate *= LadderStep;
        }
    }

    /// <returns>Begins the load, and returns when its last turn has ended.</returns>
    private async Task<Func<Task<ClassFigures>>> Prepare(RequestClass requests, double rate, CancellationToken cancellation)
    {
        var (arrivals, seed) = (rate / requests.TurnsEach, _plan.Seed + _trials++);
        await requests.Prepare(_crowd, OpenLoop.Times(arrivals, _plan.Seconds, seed).Count, cancellation);
        return async () =>
        {
            Progress.Say($"{requests.Name}: {rate:0.##} turns a second for {_plan.Seconds:0} s");
            var (before, began) = (_crowd.Witness.Turns.Count, Stopwatch.GetTimestamp());
            await OpenLoop.RunAsync(arrivals, _plan.Seconds, seed, async (number, due) =>
            {
                await requests.Arrive(number, due, cancellation);
                return number;
            }, cancellation);
            var figures = ClassFigures.Of(requests.Name, rate, [.. _crowd.Witness.Turns.Skip(before).Where(turn => turn.Question.Class == requests.Name)], began, _plan.Seconds + requests.Lasts.TotalSeconds, _watch.PeakTotalMebibytesSince(began));
            Progress.Say($"{requests.Name}: {figures.TurnsPerSecond:0.##} turns a second, first text p50 {figures.Quantile(figures.Ttft, 0.5):n0} ms, turn p99 {figures.Quantile(figures.Turn, 0.99):n0} ms, {figures.Asked - figures.Completed} of {figures.Asked} not completed");
            return figures;
        };
    }

    /// <summary>Where something went wrong, and some of the others.</summary>
    private static IEnumerable<string> Probed(IReadOnlyList<SeenTurn> seen)
    {
        var wrong = seen.Where(turn => turn.End is not SeenEnd.Completed).Select(turn => turn.Question.Conversation);
        var others = seen.Select(turn => turn.Question.Conversation).Distinct().ToList();
        return wrong.Concat(others.Where((_, i) => i % (others.Count / ProbesMax + 1) == 0)).Distinct().Take(2 * ProbesMax);
    }

    /// <summary>Of a host of our own the record itself is read once it has stopped; else the servers are asked.</summary>
    private static async Task<IReadOnlyList<RecordedTurn>> ReadRecord(
        EmbeddedServer? embedded, Servers servers, IReadOnlyList<(string Name, string? Token)> tenants, Witness witness, CancellationToken cancellation)
    {
        if (embedded is null) return await Inspection.Read(new WireRecord(servers, tenants.ToDictionary(tenant => tenant.Name, tenant => tenant.Token)), witness.Turns, cancellation);
        await embedded.Process.Terminate(StopPatience);
        await using var record = await SqliteRecord.OpenAsync(embedded.Data, cancellation: cancellation);
        return await Inspection.Read(new RecordOnDisk(record), witness.Turns, cancellation);
    }
}
