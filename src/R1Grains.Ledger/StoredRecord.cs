using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <summary>
/// What every form of the record does alike: it checks what it is given, seals and opens what is confidential, and turns
/// calls into writes and reads.
/// </summary>
public abstract class StoredRecord : IRecord
{
    /// <param name="keys">Null for a process that only looks at what is clear. It is not disposed of.</param>
    private protected StoredRecord(KeyRing? keys) => (Registry, Sealed) = (new StoredRegistry(this), new SealedConversations(this, keys));

    /// <summary>In whose name the record is signed here; null in a process that signs nothing.</summary>
    internal LogIdentity? Identity { get; private protected init; }

    internal SealedConversations Sealed { get; }

    /// <summary>With which the record is signed here, as SubjectPublicKeyInfo, the first one first; none in a process that signs nothing.</summary>
    public byte[][] PublicKeys => Identity is { } identity ? [.. new[] { identity.Signer.PublicKey, identity.InForce.PublicKey }.DistinctBy(Convert.ToHexString)] : [];

    /// <summary>Lies in the same file or database.</summary>
    public IRegistry Registry { get; }

    /// <summary>Lies beside it.</summary>
    public abstract TranscriptIndex Index { get; }

    public async Task<Creation> CreateConversationAsync(ConversationOpened opened, CancellationToken cancellation = default)
    {
        RequireName(opened.Key.Tenant, "tenant");
        RequireName(opened.Key.Conversation, "conversation");
        RequireName(opened.Caller, "caller");
        RequireName(opened.RequestId, "request id");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(opened.IdleTimeout, TimeSpan.Zero);
        var (subject, dataKey) = await Sealed.MakeAsync(opened);
        var (outcome, key) = await Write(new ConversationCreation(opened, subject, dataKey), cancellation);
        var conversation = await FindConversationAsync(key, cancellation) ?? throw new RecordConflictException(key, "its entries are of a month that is no longer kept");
        // Of what is erased nobody can tell any more what was asked.
        if (outcome is CreationOutcome.Replayed && !(conversation.Key == opened.Key && (conversation.IsErased || conversation.Opened.PayloadHash == opened.PayloadHash)))
            outcome = CreationOutcome.RequestIdReused;
        return new Creation(outcome, conversation);
    }

    public async Task<Conversation?> FindConversationAsync(ConversationKey key, CancellationToken cancellation = default) =>
        await Read(key.Tenant, reads => reads.Conversation(key), cancellation) is { } row ? await Sealed.OpenAsync(row) : null;

    public async Task<Page<Conversation>> ListConversationsAsync(string tenant, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        RequireSize(pageSize);
        var page = await Read(tenant, reads => reads.Conversations(tenant, pageSize, after ?? 0), cancellation);
        var conversations = new List<Conversation>(page.Items.Count);
        foreach (var row in page.Items)
            conversations.Add(await Sealed.OpenAsync(row));
        return new Page<Conversation>(conversations, page.Next);
    }

    /// <summary>Of whom anything is recorded.</summary>
    public async Task<IReadOnlyList<string>> ListTenantsAsync(CancellationToken cancellation = default) =>
        [.. (await Read(null, ClosedTurnReads.TreeSizes, cancellation)).Select(tree => tree.Tenant).Where(tenant => tenant != IRegistry.Cluster)];

    /// <summary>Those that the extent covers, which is not the whole tenant.</summary>
    public async Task<IReadOnlyList<Conversation>> ListConversationsAsync(string tenant, Extent extent, CancellationToken cancellation = default)
    {
        if (extent.Conversation is { } name)
            return await FindConversationAsync(new(tenant, name), cancellation) is { } conversation ? [conversation] : [];
        var (conversations, subjects) = (new List<Conversation>(), extent.Subjects.ToList());
        for (var i = 0; i < subjects.Count; i++)
        {
            foreach (var row in await Read(tenant, reads => reads.Conversations(tenant, subjects[i]), cancellation))
            {
                var conversation = await Sealed.OpenAsync(row);
                conversations.Add(conversation);
                // The index key may have been replaced since the extent was named.
                subjects.AddRange(conversation.Subjects.Except(subjects));
            }
        }
        return conversations;
    }

    /// <summary>Null while somebody else verifies the same tenant, in whatever process.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public abstract Task<TenantVerification?> TakeVerificationAsync(string tenant, CancellationToken cancellation = default);

    public async Task<TakenOver?> TakeOverAsync(ConversationKey key, int recentTurns = IRecord.PageSizeMax, CancellationToken cancellation = default)
    {
        RequireSize(recentTurns);
        if (await Write(new TakingOver(key), cancellation) is not { } epoch || await Read(key.Tenant, reads => reads.TakenOver(key, recentTurns), cancellation) is not var (row, turns))
            return null;
        var conversation = await Sealed.OpenAsync(row);
        return new TakenOver(conversation, epoch, conversation.TurnCount + 1, await Sealed.OpenAsync(key, turns));
    }

    public async Task<Receipt> AppendAsync(TurnOpened opened, ReadOnlyMemory<int> prompt, CancellationToken cancellation = default)
    {
        RequireName(opened.RequestId, "request id");
        var key = await Sealed.RequireKeyAsync(opened.Key);
        return await Write(Sealing(opened.Key, () => new TurnOpening(opened, TokenIds.Encode(prompt.Span), key)), cancellation);
    }

    public async Task AppendAsync(Piece piece, CancellationToken cancellation = default)
    {
        var key = await Sealed.RequireKeyAsync(piece.Key);
        await Write(Sealing(piece.Key, () => new PieceAppend(piece, key)), cancellation);
    }

    public async Task<Receipt> AppendAsync(TurnClosed closed, CancellationToken cancellation = default)
    {
        var key = await Sealed.RequireKeyAsync(closed.Key);
        return await Write(Sealing(closed.Key, () => new TurnClosing(closed, key)), cancellation);
    }

    public Task<Receipt> AppendAsync(ConversationCompleted completed, CancellationToken cancellation = default) => Write(new ConversationCompletion(completed), cancellation);

    public async Task<TurnRecord?> FindTurnAsync(ConversationKey key, int turn, CancellationToken cancellation = default) =>
        (await ReadTurnsAsync(key, reads => reads.Turns(key, turn, turn), cancellation)).SingleOrDefault();

    public async Task<TurnRecord?> FindTurnByRequestAsync(ConversationKey key, string requestId, CancellationToken cancellation = default) =>
        (await ReadTurnsAsync(key, async reads => await reads.TurnOfRequest(key, requestId) is { } turn ? await reads.Turns(key, turn, turn) : [], cancellation)).SingleOrDefault();

    public async Task<Page<TurnRecord>> ListTurnsAsync(ConversationKey key, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        RequireSize(pageSize);
        var first = 1 + (int)Math.Clamp(after ?? 0, 0, int.MaxValue - IRecord.PageSizeMax - 1);
        var turns = await ReadTurnsAsync(key, reads => reads.Turns(key, first, first + pageSize), cancellation);
        return turns.Count > pageSize ? new Page<TurnRecord>([.. turns.Take(pageSize)], turns[pageSize - 1].Opened.Turn) : new Page<TurnRecord>(turns, null);
    }

    public async Task<ClosedTurns> ReadClosedTurnsAsync(string tenant, long first, int leaves = IRecord.PageSizeMax, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        RequireSize(leaves);
        var (turns, next) = await Read(tenant, reads => reads.ClosedTurns(tenant, first, leaves), cancellation);
        return new(await Sealed.OpenAsync(turns), next);
    }

    public async Task<IReadOnlyList<ClosedTurn>> ReadClosedTurnsAsync(string tenant, IReadOnlyCollection<long> leaves, CancellationToken cancellation = default)
    {
        RequireSize(Math.Max(1, leaves.Count));
        return await Sealed.OpenAsync(await Read(tenant, reads => reads.ClosedTurns(tenant, leaves), cancellation));
    }

    /// <summary>At which leaves the turns of a conversation ended, ascending.</summary>
    public async Task<IReadOnlyList<long>> ListClosedTurnsAsync(ConversationKey key, CancellationToken cancellation = default) =>
        await Read(key.Tenant, reads => reads.Leaves(key), cancellation);

    public async Task<int[]?> ReadPromptAsync(ConversationKey key, int turn, CancellationToken cancellation = default) =>
        await Read(key.Tenant, reads => reads.Prompt(key, turn), cancellation) is { } payload ? await Sealed.OpenPromptAsync(key, turn, payload) : null;

    public Task<IReadOnlyList<OpenTurn>> FindOpenTurnsAsync(int limit = IRecord.PageSizeMax, OpenTurn? after = null, CancellationToken cancellation = default)
    {
        RequireSize(limit);
        return Read(null, reads => reads.OpenTurns(limit, after), cancellation);
    }

    public Task<IReadOnlyList<IdleConversation>> FindIdleConversationsAsync(DateTimeOffset now, int limit = IRecord.PageSizeMax, IdleConversation? after = null, CancellationToken cancellation = default)
    {
        RequireSize(limit);
        return Read(null, reads => reads.IdleConversations(Microseconds.Of(now), limit, after), cancellation);
    }

    public Task<SignedNote?> FindCheckpointAsync(string tenant, CancellationToken cancellation = default) =>
        Read(tenant, reads => reads.Checkpoint(tenant), cancellation);

    public Task<InclusionProof?> ProveInclusionAsync(ConversationKey key, long index, CancellationToken cancellation = default) =>
        Read(key.Tenant, reads => reads.ProveInclusion(key, index), cancellation);

    public Task<ConsistencyProof?> ProveConsistencyAsync(string tenant, long size, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        return Read(tenant, reads => reads.ProveConsistency(tenant, size), cancellation);
    }

    /// <summary>Writes what is waiting. No other call may be under way.</summary>
    public abstract ValueTask DisposeAsync();

    internal abstract Task<T> Write<T>(Write<T> write, CancellationToken cancellation);

    /// <param name="tenant">Whose rows are seen; null for those of all tenants.</param>
    internal abstract Task<T> Read<T>(string? tenant, Func<RecordReads, Task<T>> read, CancellationToken cancellation);

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

    private async Task<IReadOnlyList<TurnRecord>> ReadTurnsAsync(ConversationKey key, Func<RecordReads, Task<List<TurnRow>>> read, CancellationToken cancellation) =>
        await Read(key.Tenant, read, cancellation) is { Count: > 0 } rows ? await Sealed.OpenAsync(key, rows) : [];

    private static T Sealing<T>(ConversationKey key, Func<T> seal)
    {
        try
        {
            return seal();
        }
        catch (KeyDestroyedException)
        {
            throw new ConversationErasedException(key);
        }
    }
}
