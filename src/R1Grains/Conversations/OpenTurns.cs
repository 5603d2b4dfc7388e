using Orleans.Runtime;

namespace R1Grains.Conversations;

/// <summary>Wakes the attendant when this silo starts and whenever one has gone, so that nobody's open turn waits for a reminder.</summary>
public sealed class OpenTurns(IClusterMembershipService membership, IGrainFactory grains, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<OpenTurns> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        // A process that cannot start must not have begun to work.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStarted, stopping);
        await Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stopping.IsCancellationRequested) return;
        IReadOnlySet<SiloAddress>? known = null;
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(stopping))
        {
            if (IsStopping) return;
            var active = snapshot.Members.Values.Where(member => member.Status == SiloStatus.Active).Select(member => member.SiloAddress).ToHashSet();
            if (known is null || !known.IsSubsetOf(active)) _ = Wake();
            known = active;
        }
    }

    /// <summary>From then on the silo takes no grain, and where it is the only one nobody does.</summary>
    private bool IsStopping => lifetime.ApplicationStopping.IsCancellationRequested;

    private async Task Wake()
    {
        try
        {
            await grains.GetGrain<IAttendantGrain>(AttendantGrain.Key).Attend();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Where this process stops, those who stay see to it, or the next one.
            if (!IsStopping) Log.OpenTurnsUnknown(log, exception);
        }
    }
}
