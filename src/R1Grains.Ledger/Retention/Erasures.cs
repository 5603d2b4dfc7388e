using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Retention;

/// <summary>
/// What it takes to erase somebody's words: one person asks, another agrees, and no rule and no hold forbids it, neither when
/// it is asked nor when it is agreed to nor when the first key goes. The work is <see cref="ErasureWork"/>'s.
/// </summary>
public sealed class Erasures(StoredRecord record, RetentionRules rules, LegalHolds holds, TimeProvider time)
{
    private const string Action = "erasure";

    // Of the ids of its proposals, which lie beside others.
    private const string Prefix = "erasure-";

    private readonly FourEyes _fourEyes = new(record.Registry, time);

    /// <param name="id">As it follows from the request: <see cref="IdOf"/>.</param>
    /// <param name="waits">What forbids it now only puts it off: once approved, nothing more is said and few may read until it may be erased.</param>
    /// <exception cref="ErasureRefusedException"/>
    /// <exception cref="ProposalRefusedException"/>
    /// <exception cref="RecordUnavailableException"/>
    public async Task<RequestedErasure> RequestAsync(string tenant, string id, Extent extent, bool waits, string requester, string why, CancellationToken cancellation = default)
    {
        var payload = extent.Encode(new ByteWriter().Byte(waits ? (byte)1 : (byte)0)).ToArray();
        // The same request again finds what it asked for, whatever has become of it.
        if (await _fourEyes.FindAsync(tenant, id, cancellation) is null)
            await RequireAsync(tenant, extent, waits, cancellation);
        await _fourEyes.ProposeAsync(tenant, id, Action, extent.Resource(tenant), requester, payload, why, cancellation: cancellation);
        return (await FindAsync(tenant, id, cancellation))!;
    }

    /// <param name="reviewed">Hash of what the approver looked at.</param>
    /// <inheritdoc cref="RequestAsync"/>
    public async Task<RequestedErasure> ApproveAsync(string tenant, string id, Digest reviewed, string approver, string why, CancellationToken cancellation = default)
    {
        while (true)
        {
            var asked = await FindAsync(tenant, id, cancellation) ?? throw new ProposalRefusedException(ProposalRefusal.NotFound, $"there is no erasure '{id}'");
            if (asked.Proposal is { State: ProposalState.Approved } done && done.DecidedBy == approver)
                return asked;
            List<DocumentChange> changes = [];
            if (asked.Proposal.State is ProposalState.Pending)
            {
                var guard = await RequireAsync(tenant, asked.Extent!, asked.Waits, cancellation);
                var erasure = new Erasure
                {
                    Tenant = tenant,
                    Id = id,
                    Origin = ErasureOrigin.Request,
                    State = ErasureState.Restricted,
                    Extent = asked.Extent!,
                    Requester = asked.Proposal.Proposer,
                    Requested = asked.Proposal.Proposed,
                    Approver = approver,
                    Approved = time.GetUtcNow(),
                };
                changes = [new(Erasure.Kind, id, 0, erasure.Encode()), guard];
            }
            try
            {
                await _fourEyes.ApproveAsync(tenant, id, reviewed, approver, _ => changes, why, cancellation);
                return (await FindAsync(tenant, id, cancellation))!;
            }
            catch (DocumentConflictException)
            {
                // A hold was placed or released meanwhile.
            }
        }
    }

    /// <summary>Ends the request without anything done; who asked may, too.</summary>
    /// <exception cref="ProposalRefusedException"/>
    public async Task<RequestedErasure> RejectAsync(string tenant, string id, string by, string why, CancellationToken cancellation = default)
    {
        if (await FindAsync(tenant, id, cancellation) is { Proposal: { State: ProposalState.Rejected } proposal } rejected && proposal.DecidedBy == by)
            return rejected;
        await _fourEyes.RejectAsync(tenant, id, by, why, cancellation);
        return (await FindAsync(tenant, id, cancellation))!;
    }

    /// <summary>Null when there is none.</summary>
    public async Task<RequestedErasure?> FindAsync(string tenant, string id, CancellationToken cancellation = default)
    {
        if (!id.StartsWith(Prefix, StringComparison.Ordinal) || await _fourEyes.FindAsync(tenant, id, cancellation) is not { } proposal)
            return null;
        var document = await record.Registry.FindAsync(new(tenant, Erasure.Kind, id), cancellation) ?? await record.Registry.FindAsync(new(tenant, Erasure.Done, id), cancellation);
        var (extent, waits) = Read(proposal);
        var erasure = document is null ? null : Erasure.Decode(document);
        var obstacle = (erasure?.Extent ?? extent) is { } wanted && erasure is null or { State: ErasureState.Restricted } && proposal.State is not ProposalState.Rejected
            ? (await LookAsync(tenant, erasure?.Extent ?? extent!, cancellation)).Obstacle
            : null;
        return new(proposal, erasure?.Extent ?? extent, waits, erasure, obstacle);
    }

    /// <summary>Those that were asked for, in the order of their ids.</summary>
    /// <param name="after">Null for the first page, else what came with the page before.</param>
    public async Task<(IReadOnlyList<RequestedErasure> Erasures, string? Next)> ListAsync(string tenant, int count, string? after = null, CancellationToken cancellation = default)
    {
        var page = await _fourEyes.ListAsync(tenant, count, after ?? Prefix, cancellation);
        var own = new List<RequestedErasure>();
        foreach (var proposal in page.TakeWhile(proposal => proposal.Id.StartsWith(Prefix, StringComparison.Ordinal)))
            own.Add((await FindAsync(tenant, proposal.Id, cancellation))!);
        return (own, own.Count == count ? own[^1].Proposal.Id : null);
    }

    /// <summary>What forbids it now, null where nothing does, with the conversations that it is about.</summary>
    internal async Task<(Obstacle? Obstacle, IReadOnlyList<Conversation> Conversations, DocumentChange Guard)> LookAsync(string tenant, Extent extent, CancellationToken cancellation)
    {
        var (inForce, guard) = await holds.InForceAsync(tenant, cancellation);
        var conversations = await record.ListConversationsAsync(tenant, extent, cancellation);
        if (inForce.FirstOrDefault(hold => conversations.Any(hold.Extent.Covers)) is { } hold)
            return (new Obstacle(hold, null, null), conversations, guard);
        var kept = conversations.Where(conversation => !conversation.IsErased)
            .Select(conversation => (conversation.Opened.Channel, Until: rules.Of(tenant, conversation.Opened.Channel).Minimum.After(conversation.LastActivity)))
            .OrderByDescending(due => due.Until).FirstOrDefault();
        return (kept.Until > time.GetUtcNow() ? new Obstacle(null, kept.Until, kept.Channel) : null, conversations, guard);
    }

    /// <summary>Of the request's caller and id.</summary>
    public static string IdOf(string caller, string requestId) => Prefix + Digest.Of(ByteWriter.StrictUtf8.GetBytes($"{caller}\n{requestId}")).ToString()[..20];

    /// <returns>What must not change until it is agreed to.</returns>
    private async Task<DocumentChange> RequireAsync(string tenant, Extent extent, bool waits, CancellationToken cancellation)
    {
        var (obstacle, conversations, guard) = await LookAsync(tenant, extent, cancellation);
        if (!extent.IsCustomer && conversations.Count == 1 && conversations[0].IsOfCustomer)
            throw new ErasureRefusedException(ErasureRefusal.OfCustomer, $"{conversations[0].Key} is a customer's, whose words share a key: erase the customer", null);
        if (conversations.All(conversation => conversation.IsErased))
            throw new ErasureRefusedException(ErasureRefusal.Nothing, $"the record holds no words of {extent.Resource(tenant)}", null);
        if (obstacle is not null && !waits)
            throw new ErasureRefusedException(obstacle.Hold is null ? ErasureRefusal.Retained : ErasureRefusal.Held, obstacle.ToString(), obstacle);
        return guard;
    }

    private static (Extent? Extent, bool Waits) Read(Proposal proposal)
    {
        if (proposal.Payload.Length == 0)
            return (null, false);
        var reader = new ByteReader(proposal.Payload);
        var waits = reader.Byte() == 1;
        return (Extent.Decode(ref reader), waits);
    }
}

/// <param name="Extent">Null where it was rejected.</param>
/// <param name="Waits">What forbids it only puts it off; known while nobody has decided.</param>
/// <param name="Erasure">Null before it was approved.</param>
/// <param name="Obstacle">What forbids it now, or puts it off.</param>
public sealed record RequestedErasure(Proposal Proposal, Extent? Extent, bool Waits, Erasure? Erasure, Obstacle? Obstacle)
{
    public string Name => Retention.Erasure.NameOf(Proposal.Tenant, Proposal.Id);
}

/// <summary>Why something must not be erased: a hold, or a rule and until when.</summary>
/// <param name="Channel">Of the conversation that has to be kept for longest.</param>
public sealed record Obstacle(LegalHold? Hold, DateTimeOffset? Until, string? Channel)
{
    public override string ToString() => Hold is { } hold
        ? $"{hold.Name} keeps it: '{hold.PlacedBy}' placed it at {hold.PlacedAt:u}"
        : $"it must be kept until {Until:u}, which is the minimum of its channel '{Channel}'";
}

public enum ErasureRefusal
{
    Nothing,

    /// <summary>The conversation is a customer's, who has to be named.</summary>
    OfCustomer,
    Held,
    Retained,
}

public sealed class ErasureRefusedException(ErasureRefusal refusal, string message, Obstacle? obstacle) : Exception(message)
{
    public ErasureRefusal Refusal { get; } = refusal;

    public Obstacle? Obstacle { get; } = obstacle;
}
