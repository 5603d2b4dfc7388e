using System.Runtime.CompilerServices;
using R1Grains.Conversations;
using R1Grains.Inference;

namespace R1Grains.Gateway;

/// <summary>
/// Reads a turn's events over the activations of its conversation: where one is lost, the next one is asked for what
/// comes after the last event, so that a client learns of a lost silo only by a pause.
/// </summary>
internal sealed class FollowedTurn(IConversationGrain conversation, TimeProvider time)
{
    /// <summary>A living activation says something every <see cref="EventLog{T}.Silence"/>; the call itself would wait for a dead one for half a minute.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    /// <summary>How long nobody may hold the conversation before the client is told; a frozen silo is declared dead sooner.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    // Of the last event.
    private int? _turn;
    private long _sequence;

    // How often the request was sent.
    private int _sent;

    /// <summary>From the request on, <see cref="Accepted"/> first.</summary>
    public IAsyncEnumerable<TurnEvent> Stream(UserTurn asked, CancellationToken cancellation) =>
        Follow(() => _turn is { } turn ? conversation.ResumeTurn(turn, _sequence, cancellation) : Send(asked, cancellation), cancellation);

    /// <summary>From after the text with this number on.</summary>
    public IAsyncEnumerable<TurnEvent> Resume(int turn, long after, CancellationToken cancellation)
    {
        (_turn, _sequence) = (turn, after);
        return Follow(() => conversation.ResumeTurn(turn, _sequence, cancellation), cancellation);
    }

    private IAsyncEnumerable<TurnEvent> Send(UserTurn asked, CancellationToken cancellation)
    {
        _sent++;
        return conversation.StreamTurn(asked, cancellation);
    }

    private async IAsyncEnumerable<TurnEvent> Follow(Func<IAsyncEnumerable<TurnEvent>> ask, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var last = time.GetTimestamp();
        while (true)
        {
            var events = ask().GetAsyncEnumerator(cancellation);
            var watch = new SilenceWatch(Silence, time);
            Task<bool>? next = null;
            try
            {
                while (true)
                {
                    next = events.MoveNextAsync().AsTask();
                    if (!await watch.Hears(next, cancellation))
                    {
                        cancellation.ThrowIfCancellationRequested();
                        if (time.GetElapsedTime(last) < Patience) break;
                        throw new RefusedException(new(Reason.NodeUnavailable, $"the node that holds the conversation has said nothing for {Patience.TotalSeconds:0} s: send the same request again, or resume its turn"));
                    }
                    try
                    {
                        if (!await next) yield break;
                    }
                    catch (Exception failure) when (IsMove(failure) && time.GetElapsedTime(last) < Patience)
                    {
                        break;
                    }
                    last = time.GetTimestamp();
                    if (events.Current is Accepted accepted) _turn = accepted.Turn;
                    // Until a turn is accepted its client hears nothing, so that the call can still be refused.
                    else if (_turn is null) continue;
                    if (events.Current is TextReleased) _sequence = events.Current.Sequence;
                    // What this one had begun when its answer was lost is its own.
                    yield return _sent > 1 && events.Current is Accepted { IsAgain: true } own ? own with { IsAgain = false } : events.Current;
                    // However long the client took, that was not the node's silence.
                    last = time.GetTimestamp();
                }
            }
            finally
            {
                _ = events.Abandon(next, time);
            }
            // A client must be able to tell a gateway that looks for the conversation from one that is dead.
            if (_turn is not null) yield return new Heartbeat(_sequence, time.GetUtcNow());
            await Task.Delay(Pause, time, cancellation);
        }
    }

    /// <summary>Whether the conversation is, or will soon be, somewhere else.</summary>
    private static bool IsMove(Exception failure) => failure switch
    {
        RefusedException refused => refused.Refusal.Reason is Reason.NodeDraining or Reason.StaleEpoch or Reason.NodeUnavailable,
        OrleansException or EnumerationAbortedException => true,
        _ => false,
    };
}
