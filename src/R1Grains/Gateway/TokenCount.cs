using System.Runtime.CompilerServices;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>What turns take of their tenant's tokens: what their records say, once, whoever waits for their end.</summary>
internal sealed class TokenCount(Limits limits, IGrainFactory grains, IRecord record, Drain drain, TimeProvider time)
{
    /// <summary>The events as they are, and their turn counted when it has ended; a turn that an earlier request has begun is counted with that.</summary>
    public IAsyncEnumerable<TurnEvent> Of(Caller caller, ConversationName conversation, IAsyncEnumerable<TurnEvent> events, CancellationToken cancellation) =>
        limits.CountsTokens ? Count(caller, conversation, events, cancellation) : events;

    private async IAsyncEnumerable<TurnEvent> Count(
        Caller caller, ConversationName conversation, IAsyncEnumerable<TurnEvent> events, [EnumeratorCancellation] CancellationToken cancellation)
    {
        int? begun = null;
        try
        {
            await foreach (var happened in events.WithCancellation(cancellation))
            {
                if (happened is Accepted { IsAgain: false } accepted) begun = accepted.Turn;
                if (happened is Completed { Usage: var usage } && begun is not null)
                {
                    limits.Spend(caller, usage.PromptTokens + usage.ReasoningTokens + usage.AnswerTokens);
                    begun = null;
                }
                yield return happened;
            }
        }
        finally
        {
            // It failed, or its client has left it, and it goes on.
            if (begun is { } turn) _ = CountLeft(caller, conversation, turn);
        }
    }

    private async Task CountLeft(Caller caller, ConversationName conversation, int turn)
    {
        try
        {
            await foreach (var _ in new FollowedTurn(grains.GetGrain<IConversationGrain>(conversation.Key), time).Resume(turn, 0, drain.Begun)) { }
            if (await record.FindTurnAsync(new(conversation.Tenant, conversation.Conversation), turn, drain.Begun) is { Closed.Usage: var usage })
                limits.Spend(caller, usage.Prompt + usage.Reasoning + usage.Answer);
        }
        catch (Exception lost) when (lost is RefusedException or RecordUnavailableException or OperationCanceledException or OrleansException)
        {
            // The count is this process's, and this one is not in it.
        }
    }
}
