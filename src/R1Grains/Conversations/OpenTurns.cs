using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// Sees to it, at the start and from time to time, that turns without a client are finished or closed and that idle
/// conversations are completed.
/// </summary>
public sealed class OpenTurns(IRecord record, IGrainFactory grains, TimeProvider time, ILogger<OpenTurns> log) : BackgroundService
{
    private const int AtOnce = 8;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Every, time);
        do await Attend(stopping);
        while (await timer.WaitForNextTickAsync(stopping));
    }

    private async Task Attend(CancellationToken stopping)
    {
        try
        {
            var open = await record.FindOpenTurnsAsync(cancellation: stopping);
            var idle = await record.FindIdleConversationsAsync(time.GetUtcNow(), cancellation: stopping);
            await Parallel.ForEachAsync(
                open.Select(turn => turn.Key).Concat(idle),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping },
                async (key, _) => await Attend(key));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.OpenTurnsUnknown(log, exception);
        }
    }

    private async Task Attend(ConversationKey key)
    {
        try
        {
            await grains.GetGrain<IConversationGrain>($"{key.Tenant}/{key.Conversation}").Attend();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.Unattended(log, exception, key);
        }
    }
}
