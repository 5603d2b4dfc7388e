using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>Brings to customers what was decided about their held turns: a decision becomes a turn of its conversation, once, whoever tells it.</summary>
public sealed class Decisions(IRecord record, HeldTurns held, TimeProvider time)
{
    /// <summary>Whether the turn's answer is kept back, so that there is anything to tell, and whether its conversation can have no turn any more.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<(bool IsHeld, bool IsOver)> Look(ConversationKey key, int turn, CancellationToken cancellation = default) => (
        await record.FindTurnAsync(key, turn, cancellation) is { } found && Views.IsHeld(found.Closed),
        await record.FindConversationAsync(key, cancellation) is not { Completed: null });

    /// <summary>Returns when the decision has become a turn, which goes on by itself, or can become none.</summary>
    /// <param name="send">Sends a turn to the conversation.</param>
    /// <exception cref="RefusedException"/>
    /// <exception cref="RecordUnavailableException"/>
    public async Task Tell(HeldTurn decided, Func<UserTurn, IAsyncEnumerable<TurnEvent>> send, CancellationToken cancellation = default)
    {
        var decision = decided.Decision!;
        if (await Look(decided.Key, decided.Turn, cancellation) is (IsHeld: true, IsOver: false))
        {
            await foreach (var happened in send(decision.Review.ToTurn(decided.Key, decision.Decider)))
                if (happened is Accepted) break;
        }
        await held.Told(decided, time.GetUtcNow());
    }
}
