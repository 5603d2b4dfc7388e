using System.Runtime.CompilerServices;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>What turns take of their tenant's tokens: what their records say, once, to who began them, whoever waits for their end.</summary>
internal sealed class TokenCount(Limits limits, IGrainFactory grains, IRecord record, Drain drain, TimeProvider time)
{
    /// <summary>The events as they are, and their turn counted when it has ended; a turn that an earlier request has begun is counted with that.</summary>
    /// <param name="ask">Sends the request, and reads until it is told to stop.</param>
    public IAsyncEnumerable<TurnEvent> Of(Caller caller, ConversationName conversation, Func<CancellationToken, IAsyncEnumerable<TurnEvent>> ask, CancellationToken cancellation) =>
        limits.CountsTokens ? Count(caller, conversation, ask, cancellation) : ask(cancellation);

    private async IAsyncEnumerable<TurnEvent> Count(
        Caller caller, ConversationName conversation, Func<CancellationToken, IAsyncEnumerable<TurnEvent>> ask, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Not the client's: who leaves before the turn is accepted may have begun it, and only this call is told so.
        var left = new CancellationTokenSource();
        var events = ask(left.Token).GetAsyncEnumerator(left.Token);
        Task<bool>? next = null;
        var (isAccepted, begun) = (false, (int?)null);
        try
        {
            while (await (next = events.MoveNextAsync().AsTask()).WaitAsync(cancellation))
            {
                if (events.Current is Accepted accepted) (isAccepted, begun) = (true, accepted.IsAgain ? null : accepted.Turn);
                if (events.Current is Completed { Usage: var usage } && begun is not null)
                {
                    limits.Spend(caller, usage.PromptTokens + usage.ReasoningTokens + usage.AnswerTokens);
                    begun = null;
                }
                yield return events.Current;
            }
        }
        finally
        {
            if (!isAccepted && next is { IsCompleted: false })
            {
                _ = CountUnaccepted(caller, conversation, events, next, left);
            }
            else
            {
                await End(events, next, left);
                // It failed, or its client has left it, and it goes on.
                if (begun is { } turn) _ = CountLeft(caller, conversation, turn);
            }
        }
    }

    /// <summary>Nobody reads the call any more: it is read on until it is known whether it began a turn.</summary>
    private async Task CountUnaccepted(Caller caller, ConversationName conversation, IAsyncEnumerator<TurnEvent> events, Task<bool> next, CancellationTokenSource left)
    {
        int? begun = null;
        try
        {
            using var ending = drain.Begun.Register(left.Cancel);
            for (; await next; next = events.MoveNextAsync().AsTask())
            {
                if (events.Current is not Accepted accepted) continue;
                if (!accepted.IsAgain) begun = accepted.Turn;
                break;
            }
        }
        catch (Exception refused) when (IsLost(refused))
        {
            // Then it began nothing.
        }
        await End(events, next, left);
        if (begun is { } turn) await CountLeft(caller, conversation, turn);
    }

    private async Task CountLeft(Caller caller, ConversationName conversation, int turn)
    {
        try
        {
            await foreach (var _ in new FollowedTurn(grains.GetGrain<IConversationGrain>(conversation.Key), time).Resume(turn, 0, drain.Begun)) { }
            if (await record.FindTurnAsync(new(conversation.Tenant, conversation.Conversation), turn, drain.Begun) is { Closed.Usage: var usage })
                limits.Spend(caller, usage.Prompt + usage.Reasoning + usage.Answer);
        }
        catch (Exception lost) when (IsLost(lost))
        {
            // The count is this process's, and this one is not in it.
        }
    }

    private static async Task End(IAsyncEnumerator<TurnEvent> events, Task? next, CancellationTokenSource left)
    {
        await left.CancelAsync();
        if (next is not null) await next.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await events.DisposeAsync();
        left.Dispose();
    }

    private static bool IsLost(Exception failure) => failure is RefusedException or RecordUnavailableException or OperationCanceledException or OrleansException;
}
