using Orleans.CodeGeneration;
using R1Grains.Cluster;
using R1Grains.Compliance;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// Sees to it that turns without a client are finished or closed, that decisions about held turns are told, and that idle conversations are completed. The cluster
/// has one, with the key <see cref="AttendantGrain.Key"/>.
/// </summary>
[Alias("r1.IAttendantGrain"), Version(1)]
public interface IAttendantGrain : IGrainWithStringKey
{
    /// <summary>Asks the record and attends to all that it finds; returns when that is done.</summary>
    [Alias("Attend"), ResponseTimeout("01:00:00")]
    Task Attend();
}

/// <summary>Its reminder wakes it, wherever it may be, for as long as the cluster lives; a silo that was lost wakes it sooner.</summary>
[RolePlacement(Roles.Conversation)]
public sealed class AttendantGrain(IRecord record, HeldTurns held, Decisions decisions, TimeProvider time, ILogger<AttendantGrain> log) : Grain, IAttendantGrain, IRemindable
{
    public const string Key = "attendant";
    private const int AtOnce = 8;

    /// <summary>As often as reminders come at most.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RemindAgain = TimeSpan.FromSeconds(10);

    /// <summary>A conversation whose silo is frozen must not hold up the others; it is attended to again.</summary>
    private static readonly TimeSpan AttendMax = TimeSpan.FromSeconds(5);

    // All decisions up to this change of the registry have been told.
    private long _told;

    public override Task OnActivateAsync(CancellationToken cancellation) => Remind();

    private async Task Remind()
    {
        try
        {
            await this.RegisterOrUpdateReminder(Key, Every, Every);
        }
        catch (Exception exception)
        {
            // It attends all the same.
            Log.Unreminded(log, exception);
            this.RegisterGrainTimer(Remind, new(dueTime: RemindAgain, period: Timeout.InfiniteTimeSpan) { KeepAlive = true });
        }
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Attend();

    public async Task Attend()
    {
        var now = time.GetUtcNow();
        try
        {
            await AttendAll<OpenTurn>(after => record.FindOpenTurnsAsync(after: after), turn => turn.Key);
            await TellAll();
            await AttendAll<IdleConversation>(after => record.FindIdleConversationsAsync(now, after: after), conversation => conversation.Key);
        }
        catch (Exception exception)
        {
            Log.OpenTurnsUnknown(log, exception);
        }
    }

    /// <summary>Page by page: what cannot be helped stays in the record, and must not hide what comes after it.</summary>
    private async Task AttendAll<T>(Func<T?, Task<IReadOnlyList<T>>> find, Func<T, ConversationKey> keyOf)
        where T : class
    {
        IReadOnlyList<T> page = [];
        do
        {
            page = await find(page.LastOrDefault());
            await Parallel.ForEachAsync(
                page.Select(keyOf), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, TaskScheduler = TaskScheduler.Current }, async (key, _) => await Attend(key));
        }
        // New turns are opened all the time, so that a page which is not full is the last one.
        while (page.Count == IRecord.PageSizeMax);
    }

    /// <summary>What was decided, and not told because somebody ended in between.</summary>
    private async Task TellAll()
    {
        var (after, isWhole) = (_told, true);
        while (await held.ListUntold(after) is (var decisions, { } next))
        {
            foreach (var decided in decisions) isWhole &= await Tell(decided);
            after = next;
            // The next time begins with the first page of which something is left.
            if (isWhole) _told = after;
        }
    }

    /// <returns>Whether nobody has to tell it any more.</returns>
    private async Task<bool> Tell(HeldTurn decided)
    {
        try
        {
            await decisions.Tell(decided, turn => GrainOf(decided.Key).StreamTurn(turn)).WaitAsync(AttendMax, time);
            return true;
        }
        catch (Exception exception)
        {
            Log.Unattended(log, exception, decided.Key);
            return false;
        }
    }

    private IConversationGrain GrainOf(ConversationKey key) => GrainFactory.GetGrain<IConversationGrain>($"{key.Tenant}/{key.Conversation}");

    private async Task Attend(ConversationKey key)
    {
        try
        {
            await GrainOf(key).Attend().WaitAsync(AttendMax, time);
        }
        catch (Exception exception)
        {
            Log.Unattended(log, exception, key);
        }
    }
}
