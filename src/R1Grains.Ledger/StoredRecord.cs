using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <summary>What every form of the record does alike: it checks what it is given, and turns calls into writes and reads.</summary>
public abstract class StoredRecord : IRecord
{
    private protected StoredRecord() => Registry = new StoredRegistry(this);

    /// <summary>Lies in the same file or database.</summary>
    public IRegistry Registry { get; }

    public async Task<Creation> CreateConversationAsync(ConversationOpened opened, CancellationToken cancellation = default)
    {
        RequireName(opened.Key.Tenant, "tenant");
        RequireName(opened.Key.Conversation, "conversation");
        RequireName(opened.Caller, "caller");
        RequireName(opened.RequestId, "request id");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(opened.IdleTimeout, TimeSpan.Zero);
        var (outcome, key) = await Write(new ConversationCreation(opened), cancellation);
        return new Creation(outcome, (await FindConversationAsync(key, cancellation))!);
    }

    public Task<Conversation?> FindConversationAsync(ConversationKey key, CancellationToken cancellation = default) =>
        Read(reads => reads.Conversation(key), cancellation);

    public Task<Page<Conversation>> ListConversationsAsync(string tenant, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        RequireSize(pageSize);
        return Read(reads => reads.Conversations(tenant, pageSize, after ?? 0), cancellation);
    }

    public async Task<TakenOver?> TakeOverAsync(ConversationKey key, int recentTurns = IRecord.PageSizeMax, CancellationToken cancellation = default)
    {
        RequireSize(recentTurns);
        return await Write(new TakingOver(key), cancellation) is { } epoch
            ? await Read(reads => reads.TakenOver(key, epoch, recentTurns), cancellation)
            : null;
    }

    public Task<Receipt> AppendAsync(TurnOpened opened, ReadOnlyMemory<int> prompt, CancellationToken cancellation = default)
    {
        RequireName(opened.RequestId, "request id");
        return Write(new TurnOpening(opened, TokenIds.Encode(prompt.Span)), cancellation);
    }

    public Task AppendAsync(Piece piece, CancellationToken cancellation = default) => Write(new PieceAppend(piece), cancellation);

    public Task<Receipt> AppendAsync(TurnClosed closed, CancellationToken cancellation = default) => Write(new TurnClosing(closed), cancellation);

    public Task<Receipt> AppendAsync(ConversationCompleted completed, CancellationToken cancellation = default) => Write(new ConversationCompletion(completed), cancellation);

    public Task<TurnRecord?> FindTurnAsync(ConversationKey key, int turn, CancellationToken cancellation = default) =>
        Read(async reads => (await reads.Turns(key, turn, turn)).SingleOrDefault(), cancellation);

    public Task<TurnRecord?> FindTurnByRequestAsync(ConversationKey key, string requestId, CancellationToken cancellation = default) =>
        Read(async reads => await reads.TurnOfRequest(key, requestId) is { } turn ? (await reads.Turns(key, turn, turn)).Single() : null, cancellation);

    public Task<Page<TurnRecord>> ListTurnsAsync(ConversationKey key, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        RequireSize(pageSize);
        var first = 1 + (int)Math.Clamp(after ?? 0, 0, int.MaxValue - IRecord.PageSizeMax - 1);
        return Read(async reads =>
        {
            var turns = await reads.Turns(key, first, first + pageSize);
            var page = turns.Take(pageSize).ToList();
            return new Page<TurnRecord>(page, turns.Count > pageSize ? page[^1].Opened.Turn : null);
        }, cancellation);
    }

    public Task<int[]?> ReadPromptAsync(ConversationKey key, int turn, CancellationToken cancellation = default) =>
        Read(reads => reads.Prompt(key, turn), cancellation);

    public Task<IReadOnlyList<OpenTurn>> FindOpenTurnsAsync(int limit = IRecord.PageSizeMax, OpenTurn? after = null, CancellationToken cancellation = default)
    {
        RequireSize(limit);
        return Read(reads => reads.OpenTurns(limit, after), cancellation);
    }

    public Task<IReadOnlyList<IdleConversation>> FindIdleConversationsAsync(DateTimeOffset now, int limit = IRecord.PageSizeMax, IdleConversation? after = null, CancellationToken cancellation = default)
    {
        RequireSize(limit);
        return Read(reads => reads.IdleConversations(Microseconds.Of(now), limit, after), cancellation);
    }

    public Task<SignedNote?> FindCheckpointAsync(string tenant, CancellationToken cancellation = default) =>
        Read(reads => reads.Checkpoint(tenant), cancellation);

    public Task<InclusionProof?> ProveInclusionAsync(ConversationKey key, long index, CancellationToken cancellation = default) =>
        Read(reads => reads.ProveInclusion(key, index), cancellation);

    public Task<ConsistencyProof?> ProveConsistencyAsync(string tenant, long size, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        return Read(reads => reads.ProveConsistency(tenant, size), cancellation);
    }

    /// <summary>Writes what is waiting. No other call may be under way.</summary>
    public abstract ValueTask DisposeAsync();

    internal abstract Task<T> Write<T>(Write<T> write, CancellationToken cancellation);

    internal abstract Task<T> Read<T>(Func<RecordReads, Task<T>> read, CancellationToken cancellation);

    /// <summary>SQLite ends a text at a NUL, so that two names could become one; PostgreSQL takes none.</summary>
    internal static void RequireName(string name, string what)
    {
        if (name.Length is 0 or > IRecord.NameLengthMax || name.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"A {what} has 1 to {IRecord.NameLengthMax} characters and no NUL; this has {name.Length}.");
    }

    internal static void RequireSize(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, IRecord.PageSizeMax);
    }
}
