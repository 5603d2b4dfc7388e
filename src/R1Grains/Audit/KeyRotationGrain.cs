using Orleans.CodeGeneration;
using Orleans.Concurrency;
using Orleans.Placement;
using R1Grains.Cluster;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Operations;

namespace R1Grains.Audit;

/// <summary>Replaces the keys of a tenant, whose name is its key, or of the cluster.</summary>
[Alias("r1.IKeyRotationGrain"), Version(1)]
public interface IKeyRotationGrain : IGrainWithStringKey
{
    /// <summary>Goes on with whatever is under way.</summary>
    [Alias("Advance"), OneWay]
    Task Advance();

    /// <summary>How far the rotation with this id is; zeros where nobody is at it.</summary>
    [Alias("Progress"), AlwaysInterleave]
    Task<RotationProgress> Progress(string id);
}

[GenerateSerializer, Immutable, Alias("r1.RotationProgress")]
public readonly record struct RotationProgress([property: Id(0)] long Done, [property: Id(1)] long Total);

[RolePlacement(Roles.Conversation)]
public sealed class KeyRotationGrain(IRecord record, KeyRing keys, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<KeyRotationGrain> log) : Grain, IKeyRotationGrain, IProgress<(KeyRotation Rotation, KeyProgress Progress)>
{
    private readonly KeyRotations _rotations = new((StoredRecord)record, keys, time);

    private (string Id, RotationProgress Progress) _at;

    public async Task Advance()
    {
        try
        {
            await _rotations.AdvanceAsync(this.GetPrimaryKeyString(), this, lifetime.ApplicationStopping);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Another process goes on within a minute.
        }
        catch (DocumentConflictException)
        {
            // Another process has done it.
        }
        catch (Exception failure)
        {
            Log.RotationStands(log, Wordless.Of(failure), this.GetPrimaryKeyString());
        }
    }

    public Task<RotationProgress> Progress(string id) => Task.FromResult(_at.Id == id ? _at.Progress : default);

    public void Report((KeyRotation Rotation, KeyProgress Progress) value) => _at = (value.Rotation.Id, new(value.Progress.Done, value.Progress.Total));
}

/// <summary>Wakes those who rotate, so that what a crash stopped goes on.</summary>
internal sealed class KeyRotationRounds(IGrainFactory grains, IRegistry registry, IHostApplicationLifetime lifetime, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private readonly HashSet<DocumentKey> _underWay = [];
    private long _seen;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stoppingToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            do
                await Wake(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private async Task Wake(CancellationToken stoppingToken)
    {
        try
        {
            while (await registry.ListChangedAsync([KeyRotation.Document], _seen, IRecord.PageSizeMax, stoppingToken) is { Count: > 0 } changed)
            {
                foreach (var document in changed)
                {
                    if (document.Content is not null && KeyRotation.Of(document).Done is null) _underWay.Add(document.Key);
                    else _underWay.Remove(document.Key);
                }
                _seen = changed[^1].Change;
            }
            foreach (var tenant in _underWay.Select(key => key.Tenant).Distinct())
                await grains.GetGrain<IKeyRotationGrain>(tenant).Advance();
        }
        catch (RecordUnavailableException)
        {
            // The next round.
        }
    }
}
