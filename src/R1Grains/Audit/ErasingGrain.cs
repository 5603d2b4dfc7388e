using Orleans.CodeGeneration;
using Orleans.Concurrency;
using Orleans.Placement;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Inference;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;
using R1Grains.Operations;

namespace R1Grains.Audit;

/// <summary>Erases what two people have agreed to. The cluster has one, with the key <see cref="ErasingGrain.Key"/>.</summary>
[Alias("r1.IErasingGrain"), Version(1)]
public interface IErasingGrain : IGrainWithStringKey
{
    /// <summary>Goes on with whatever of the tenant is under way, as far as it can.</summary>
    [Alias("Advance"), OneWay]
    Task Advance(string tenant);

    /// <summary>Destroys what is past its time, of all tenants; once a day, however often it is called.</summary>
    [Alias("Sweep"), OneWay]
    Task Sweep();
}

[RolePlacement(Roles.Conversation)]
public sealed class ErasingGrain : Grain, IErasingGrain
{
    public const string Key = "erasing";

    private const int AtOnce = 8;

    /// <summary>A conversation ends its turn within seconds; one that cannot is asked again.</summary>
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(20);

    private readonly InferenceRouter _router;
    private readonly TimeProvider _time;
    private readonly ILogger<ErasingGrain> _log;
    private readonly StoredRecord _record;
    private readonly ErasureWork _work;
    private readonly RetentionSweep _sweep;
    private readonly RetentionRules _rules;

    // A record in a file has none.
    private readonly RecordMonths? _months;
    private DateOnly? _swept;

    public ErasingGrain(IRecord record, KeyRing keys, RetentionRules rules, LegalHolds holds, Erasures erasures, IEnumerable<RecordMonths> months, InferenceRouter router, TimeProvider time, ILogger<ErasingGrain> log)
    {
        (_record, _router, _time, _log) = ((StoredRecord)record, router, time, log);
        (_rules, _months) = (rules, months.SingleOrDefault());
        _work = new(_record, keys, erasures, time, Stop, (tenant, _) => _router.Forget(tenant));
        _sweep = new(_record, rules, holds, _work, time);
    }

    public async Task Advance(string tenant)
    {
        try
        {
            await _work.AdvanceAsync(tenant);
        }
        catch (Exception failure)
        {
            // It stays written down how far it came; the next round goes on.
            Log.ErasureStands(_log, Wordless.Of(failure), tenant);
        }
    }

    public async Task Sweep()
    {
        var today = DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);
        if (_swept == today) return;
        try
        {
            var isDone = true;
            var tenants = await _record.ListTenantsAsync();
            foreach (var tenant in tenants)
                isDone &= await Sweep(tenant);
            if (!isDone) return;
            _swept = today;
            await SweepMonths(tenants);
        }
        catch (RecordUnavailableException away)
        {
            Log.NotSwept(_log, away, "");
        }
    }

    private async Task<bool> Sweep(string tenant)
    {
        try
        {
            if (await _sweep.RunAsync(tenant) is > 0 and var destroyed) Log.Swept(_log, tenant, destroyed);
            return true;
        }
        catch (Exception failure)
        {
            Log.NotSwept(_log, Wordless.Of(failure), tenant);
            return false;
        }
    }

    /// <summary>Only disk space waits for it: what fails is tried tomorrow.</summary>
    private async Task SweepMonths(IReadOnlyList<string> tenants)
    {
        try
        {
            if (_months is not null && await _months.SweepAsync(_rules, tenants) is > 0 and var gone) Log.MonthsRetired(_log, gone);
        }
        catch (Exception failure)
        {
            Log.MonthsStand(_log, Wordless.Of(failure));
        }
    }

    private Task Stop(string tenant, IReadOnlyList<string> conversations, CancellationToken cancellation) => Parallel.ForEachAsync(
        conversations,
        new ParallelOptions { MaxDegreeOfParallelism = AtOnce, TaskScheduler = TaskScheduler.Current, CancellationToken = cancellation },
        async (name, _) => await GrainFactory.GetGrain<IConversationGrain>($"{tenant}/{name}").Stop().WaitAsync(StopMax, _time));
}

/// <summary>Wakes the one that erases, so that what a crash or a hold stopped goes on.</summary>
internal sealed class ErasureRounds(IGrainFactory grains, Restrictions restrictions, IHostApplicationLifetime lifetime, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stoppingToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            do
            {
                var erasing = grains.GetGrain<IErasingGrain>(ErasingGrain.Key);
                foreach (var tenant in restrictions.Tenants)
                    await erasing.Advance(tenant);
                await erasing.Sweep();
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }
}
