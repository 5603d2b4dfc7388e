using System.Collections.Concurrent;
using Orleans.CodeGeneration;
using Orleans.Concurrency;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Operations;

namespace R1Grains.Audit;

/// <summary>Looks for what a tenant's exports hold, and signs what is downloaded. Each tenant has one, with its name as the key.</summary>
[Alias("r1.IExportingGrain"), Version(1)]
public interface IExportingGrain : IGrainWithStringKey
{
    /// <summary>Goes on with all that are under way, as far as it can.</summary>
    [Alias("Advance"), OneWay]
    Task Advance();

    /// <summary>Signs the checkpoint and the manifest of one that is ready.</summary>
    /// <returns>The manifest as it goes into its file, and the note over it.</returns>
    [Alias("Sign"), AlwaysInterleave]
    Task<(byte[] Manifest, string Note)> Sign(byte[] manifest);

    /// <summary>Forgets what is past its time.</summary>
    [Alias("Sweep"), OneWay]
    Task Sweep();
}

[RolePlacement(Roles.Conversation)]
public sealed class ExportingGrain : Grain, IExportingGrain
{
    private readonly ExportRegister _register;
    private readonly ExportSearch _search;
    private readonly CancellationToken _stopping;
    private readonly ILogger<ExportingGrain> _log;

    public ExportingGrain(IServiceProvider services, IHostApplicationLifetime lifetime, ILogger<ExportingGrain> log) => (_register, _search, _stopping, _log) =
        (services.GetRequiredService<ExportRegister>(), services.GetRequiredService<ExportSearch>(), lifetime.ApplicationStopping, log);

    private string Tenant => this.GetPrimaryKeyString();

    public async Task Advance()
    {
        string? after = null;
        for (IReadOnlyList<Export> page; (page = await _register.ListAsync(Tenant, IRecord.PageSizeMax, after)).Count > 0; after = page[^1].Id)
        {
            foreach (var export in page.Where(export => export.State is ExportState.Selecting))
                await Advance(export);
        }
    }

    public async Task<(byte[] Manifest, string Note)> Sign(byte[] manifest)
    {
        var asked = ExportManifest.Parse(manifest);
        if (asked.Tenant != Tenant) throw new ArgumentException($"An export of {asked.Tenant} is not {Tenant}'s to sign.");
        var signed = await _register.SignAsync(asked);
        return (signed.Bytes, signed.Note);
    }

    public async Task Sweep()
    {
        try
        {
            await _register.SweepAsync(Tenant);
        }
        catch (Exception failure)
        {
            Log.ExportStands(_log, Wordless.Of(failure), Tenant);
        }
    }

    private async Task Advance(Export export)
    {
        try
        {
            Export before;
            do
            {
                before = export;
                export = await Step(export);
            }
            while (export.State is ExportState.Selecting && export.Version != before.Version);
        }
        catch (DocumentConflictException)
        {
            // It was cancelled, or an erasure came between: the next round looks again.
        }
        catch (Exception failure)
        {
            // It stays written down how far it came; the next round goes on.
            Log.ExportStands(_log, Wordless.Of(failure), Tenant);
        }
    }

    private async Task<Export> Step(Export export)
    {
        try
        {
            return await _register.AdvanceAsync(export, _search.Find);
        }
        catch (Exception failure) when (!MayPass(failure) && !_stopping.IsCancellationRequested)
        {
            return await _register.FailAsync(export, Why(failure, export));
        }
    }

    /// <summary>Whether the same may go well a moment later, though nobody does anything.</summary>
    private static bool MayPass(Exception failure) => failure switch
    {
        RefusedException refused => refused.Refusal.RetryAfter is not null,
        RecordDamagedException => false,
        _ => failure is RecordUnavailableException or DocumentConflictException or OrleansException or TimeoutException or OperationCanceledException or IOException,
    };

    /// <summary>For who asked.</summary>
    private string Why(Exception failure, Export export)
    {
        if (failure is RefusedException or RecordDamagedException)
            return failure.Message;
        var incident = Guid.NewGuid().ToString("N");
        Log.ExportFailed(_log, Wordless.Of(failure), export.Name, incident);
        return $"internal error: give the operators the incident {incident}";
    }
}

/// <summary>Of which tenants exports are under way, as this process knows it.</summary>
public sealed class ExportsUnderWay
{
    private readonly ConcurrentDictionary<(string Tenant, string Id), bool> _known = [];

    /// <summary>Of any that is known; and whether it is under way.</summary>
    public IReadOnlyCollection<(string Tenant, bool IsUnderWay)> Tenants => [.. _known.GroupBy(known => known.Key.Tenant).Select(own => (own.Key, own.Any(known => known.Value)))];

    internal void Take(Document document)
    {
        if (Export.Of(document) is { } export)
            _known[(document.Key.Tenant, document.Key.Id)] = export.State is ExportState.Selecting;
        else
            _known.TryRemove((document.Key.Tenant, document.Key.Id), out _);
    }
}

internal sealed class ExportFeed(IRegistry registry, ExportsUnderWay exports) : RegistryFollower(registry, Export.Kind)
{
    protected override Task Take(Document document)
    {
        exports.Take(document);
        return Task.CompletedTask;
    }
}

/// <summary>Wakes those that look for what exports hold, so that what a crash stopped goes on.</summary>
internal sealed class ExportRounds(IGrainFactory grains, ExportsUnderWay exports, IHostApplicationLifetime lifetime, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private const int RoundsPerSweep = 1_800;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stoppingToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            for (var round = 0; await timer.WaitForNextTickAsync(stoppingToken); round++)
            {
                foreach (var (tenant, isUnderWay) in exports.Tenants)
                {
                    var exporting = grains.GetGrain<IExportingGrain>(tenant);
                    if (isUnderWay) await exporting.Advance();
                    if (round % RoundsPerSweep == 0) await exporting.Sweep();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }
}
