using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <summary>
/// What was said, durable and provable. Each append's task completes when the append is durable. Cancelling an append
/// withdraws it only while it waits for room in the inbox; afterwards the task tells its outcome. Every call may throw
/// <see cref="RecordUnavailableException"/>.
/// </summary>
public interface IRecord : IAsyncDisposable
{
    /// <summary>Upper bound of a page.</summary>
    const int PageSizeMax = 1_000;

    /// <summary>In characters, of a tenant, a conversation, a caller or a request id.</summary>
    const int NameLengthMax = 256;

    /// <summary>A tenant's caller creates one conversation with a request id.</summary>
    Task<Creation> CreateConversationAsync(ConversationOpened opened, CancellationToken cancellation = default);

    /// <summary>Null when there is none. Leaves the epoch alone.</summary>
    Task<Conversation?> FindConversationAsync(ConversationKey key, CancellationToken cancellation = default);

    /// <summary>In the order of creation.</summary>
    /// <param name="after">Null for the first page, else <see cref="Page{T}.Next"/>.</param>
    Task<Page<Conversation>> ListConversationsAsync(string tenant, int pageSize, long? after = null, CancellationToken cancellation = default);

    /// <summary>Raises the epoch, then reads. Null when there is no such conversation, or it is no longer kept.</summary>
    /// <param name="recentTurns">How many turns to read at most, counted from the end.</param>
    Task<TakenOver?> TakeOverAsync(ConversationKey key, int recentTurns = PageSizeMax, CancellationToken cancellation = default);

    /// <param name="prompt">Token ids as given to the model; kept with the turn, whose entry commits to their count and hash.</param>
    /// <exception cref="StaleEpochException"/>
    /// <exception cref="RecordConflictException">Also when the request id belongs to another turn.</exception>
    Task<Receipt> AppendAsync(TurnOpened opened, ReadOnlyMemory<int> prompt, CancellationToken cancellation = default);

    /// <exception cref="StaleEpochException"/>
    /// <exception cref="RecordConflictException"/>
    Task AppendAsync(Piece piece, CancellationToken cancellation = default);

    /// <exception cref="StaleEpochException"/>
    /// <exception cref="RecordConflictException">Also when the pieces are not those that the record holds.</exception>
    Task<Receipt> AppendAsync(TurnClosed closed, CancellationToken cancellation = default);

    /// <exception cref="StaleEpochException"/>
    /// <exception cref="RecordConflictException">Also while a turn is open.</exception>
    Task<Receipt> AppendAsync(ConversationCompleted completed, CancellationToken cancellation = default);

    Task<TurnRecord?> FindTurnAsync(ConversationKey key, int turn, CancellationToken cancellation = default);

    /// <summary>The turn that the client's request opened, or null.</summary>
    Task<TurnRecord?> FindTurnByRequestAsync(ConversationKey key, string requestId, CancellationToken cancellation = default);

    /// <param name="after">Null for the first page, else <see cref="Page{T}.Next"/>: a turn number.</param>
    Task<Page<TurnRecord>> ListTurnsAsync(ConversationKey key, int pageSize, long? after = null, CancellationToken cancellation = default);

    /// <summary>Turns that have ended, by the leaves of the tenant's tree at which they did: those from the given one on.</summary>
    /// <param name="first">0 at first, else <see cref="ClosedTurns.Next"/>, which stands still at the end of the tree.</param>
    /// <param name="leaves">How many leaves to look at, at most.</param>
    Task<ClosedTurns> ReadClosedTurnsAsync(string tenant, long first, int leaves = PageSizeMax, CancellationToken cancellation = default);

    /// <summary>The turns that ended at these leaves, as far as any did, in the order of the leaves.</summary>
    Task<IReadOnlyList<ClosedTurn>> ReadClosedTurnsAsync(string tenant, IReadOnlyCollection<long> leaves, CancellationToken cancellation = default);

    /// <summary>The prompt's token ids; null when there is no such turn, or they are not kept with it any more.</summary>
    Task<int[]?> ReadPromptAsync(ConversationKey key, int turn, CancellationToken cancellation = default);

    /// <summary>Soonest deadline first.</summary>
    /// <param name="after">Null for the first page, else the last one of the page before.</param>
    Task<IReadOnlyList<OpenTurn>> FindOpenTurnsAsync(int limit = PageSizeMax, OpenTurn? after = null, CancellationToken cancellation = default);

    /// <summary>Conversations without an open turn whose idle timeout has passed, longest ago first.</summary>
    /// <param name="after">Null for the first page, else the last one of the page before.</param>
    Task<IReadOnlyList<IdleConversation>> FindIdleConversationsAsync(DateTimeOffset now, int limit = PageSizeMax, IdleConversation? after = null, CancellationToken cancellation = default);

    /// <summary>The last one of the tenant's tree, at most a second old while the tree grows; null before the first.</summary>
    Task<SignedNote?> FindCheckpointAsync(string tenant, CancellationToken cancellation = default);

    /// <summary>That an entry stands in its tenant's tree, of which the receipt was the promise; null while it does not, for up to two seconds.</summary>
    /// <param name="index">As in <see cref="Receipt"/>.</param>
    Task<InclusionProof?> ProveInclusionAsync(ConversationKey key, long index, CancellationToken cancellation = default);

    /// <summary>That the tenant's tree begins with what it was; null where it is smaller.</summary>
    /// <param name="size">Of the earlier tree, in leaves.</param>
    Task<ConsistencyProof?> ProveConsistencyAsync(string tenant, long size, CancellationToken cancellation = default);
}
