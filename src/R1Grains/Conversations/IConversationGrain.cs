using Orleans.CodeGeneration;

namespace R1Grains.Conversations;

/// <summary>
/// One customer's conversation. The key is <c>tenant/conversation</c>. Every method may throw <see cref="RefusedException"/>;
/// callers have been authorised before they reach it.
/// </summary>
[Alias("r1.IConversationGrain"), Version(1)]
public interface IConversationGrain : IGrainWithStringKey
{
    [Alias("Create")]
    Task<ConversationView> Create(NewConversation conversation, CancellationToken cancellation = default);

    [Alias("Get")]
    Task<ConversationView> Get(CancellationToken cancellation = default);

    /// <summary>Refused with <see cref="Reason.TurnInProgress"/> while a turn runs or waits.</summary>
    [Alias("Complete")]
    Task<ConversationView> Complete(string requestId, string caller, CancellationToken cancellation = default);

    [Alias("GetContextWindow")]
    Task<ContextWindowView> GetContextWindow(CancellationToken cancellation = default);

    /// <summary>
    /// Begins a turn, attaches to the running one with the same request id, or replays the ended one. The first event
    /// but for heartbeats is <see cref="Accepted"/> (or a refusal is thrown); leaving the enumeration does not cancel the turn.
    /// </summary>
    [Alias("StreamTurn")]
    IAsyncEnumerable<TurnEvent> StreamTurn(UserTurn turn, CancellationToken cancellation = default);

    /// <summary>The events of a turn after <paramref name="afterSequence"/>: the recorded ones, then those still to come.</summary>
    [Alias("ResumeTurn")]
    IAsyncEnumerable<TurnEvent> ResumeTurn(int turn, long afterSequence, CancellationToken cancellation = default);

    [Alias("GetTurn")]
    Task<TurnView> GetTurn(int turn, CancellationToken cancellation = default);

    /// <summary>Interleaves with the running turn. Answers when the turn has ended; a repetition changes nothing, so it needs no request id.</summary>
    [Alias("CancelTurn")]
    Task<TurnView> CancelTurn(int turn, string caller, CancellationToken cancellation = default);

    /// <summary>Events of all turns from now on, until the conversation completes.</summary>
    [Alias("Watch")]
    IAsyncEnumerable<WatchedEvent> Watch(CancellationToken cancellation = default);

    /// <summary>Finishes or closes a turn that the record shows open, and completes the conversation if it is idle; needs no client.</summary>
    [Alias("Attend")]
    Task Attend(CancellationToken cancellation = default);

    /// <summary>Ends what runs, in the record as well, and lets go of all that was said. Whoever asks next finds what the record has then.</summary>
    [Alias("Stop")]
    Task Stop(CancellationToken cancellation = default);
}
