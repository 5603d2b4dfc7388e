namespace R1Grains.Ledger;

/// <summary>
/// What takes two people: one proposes, another approves, and approving applies exactly what was proposed, in the same
/// transaction. Every step is an administrative record named after the proposal's action.
/// </summary>
public sealed class FourEyes(IRegistry registry, TimeProvider time)
{
    public const string Kind = "proposal";

    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <param name="id">A name that nothing else was proposed by. The same proposal by the same subject again is answered with the one that is there.</param>
    /// <param name="lifetime">Null for <see cref="Lifetime"/>.</param>
    /// <exception cref="ProposalRefusedException"><see cref="ProposalRefusal.Exists"/></exception>
    public async Task<Proposal> ProposeAsync(
        string tenant, string id, string action, string resource, string proposer, byte[] payload, string purpose = "", TimeSpan? lifetime = null, CancellationToken cancellation = default)
    {
        var now = time.GetUtcNow();
        var proposal = new Proposal
        {
            Tenant = tenant,
            Id = id,
            Action = action,
            Resource = resource,
            Proposer = proposer,
            Proposed = now,
            Ends = now + (lifetime ?? Lifetime),
            Purpose = purpose,
            PayloadHash = Digest.Of(payload),
            Payload = payload,
        };
        if (await FindAsync(tenant, id, cancellation) is not { } earlier)
        {
            try
            {
                return await KeepAsync(proposal, "propose", proposer, purpose, [], cancellation);
            }
            catch (DocumentConflictException)
            {
                earlier = await RequireAsync(tenant, id, cancellation);
            }
        }
        return (earlier.Action, earlier.Resource, earlier.Proposer, earlier.PayloadHash) == (action, resource, proposer, proposal.PayloadHash)
            ? earlier
            : throw new ProposalRefusedException(ProposalRefusal.Exists, $"proposal '{id}' is another one already");
    }

    /// <summary>Applies the proposal.</summary>
    /// <param name="reviewed">Hash of the payload that the approver looked at.</param>
    /// <param name="apply">What the payload changes; it follows from the proposal alone and from what is there.</param>
    /// <exception cref="ProposalRefusedException"/>
    /// <exception cref="DocumentConflictException">Something that it changes was changed meanwhile: it stays pending.</exception>
    public async Task<Proposal> ApproveAsync(
        string tenant, string id, Digest reviewed, string approver, Func<Proposal, IReadOnlyList<DocumentChange>> apply, string purpose = "", CancellationToken cancellation = default)
    {
        var proposal = await RequirePendingAsync(tenant, id, cancellation);
        if (proposal.Proposer == approver)
            throw new ProposalRefusedException(ProposalRefusal.OwnProposal, $"'{approver}' proposed '{id}': somebody else has to approve it");
        if (reviewed != proposal.PayloadHash || Digest.Of(proposal.Payload) != reviewed)
            throw new ProposalRefusedException(ProposalRefusal.OtherPayload, $"proposal '{id}' has the payload {proposal.PayloadHash}, and {reviewed} was looked at");
        return await DecideAsync(proposal, ProposalState.Approved, "approve", approver, purpose, apply(proposal), cancellation);
    }

    /// <summary>Ends the proposal without anything done; who proposed it may, too.</summary>
    /// <exception cref="ProposalRefusedException"/>
    public async Task<Proposal> RejectAsync(string tenant, string id, string by, string purpose = "", CancellationToken cancellation = default) =>
        await DecideAsync(await RequirePendingAsync(tenant, id, cancellation), ProposalState.Rejected, "reject", by, purpose, [], cancellation);

    /// <summary>Null when there is none.</summary>
    public async Task<Proposal?> FindAsync(string tenant, string id, CancellationToken cancellation = default) =>
        await registry.FindAsync(new(tenant, Kind, id), cancellation) is { } document ? Proposal.Decode(document) : null;

    /// <summary>In the order of their ids.</summary>
    /// <param name="after">Null for the first page, else the id of the last one of the page before.</param>
    public async Task<IReadOnlyList<Proposal>> ListAsync(string tenant, int pageSize, string? after = null, CancellationToken cancellation = default) =>
        [.. (await registry.ListAsync(tenant, Kind, pageSize, after, cancellation)).Select(Proposal.Decode)];

    private async Task<Proposal> RequireAsync(string tenant, string id, CancellationToken cancellation) =>
        await FindAsync(tenant, id, cancellation) ?? throw new ProposalRefusedException(ProposalRefusal.NotFound, $"there is no proposal '{id}'");

    private async Task<Proposal> RequirePendingAsync(string tenant, string id, CancellationToken cancellation)
    {
        var proposal = await RequireAsync(tenant, id, cancellation);
        if (proposal.State is not ProposalState.Pending)
            throw Decided(proposal);
        return time.GetUtcNow() < proposal.Ends ? proposal : throw new ProposalRefusedException(ProposalRefusal.Ended, $"proposal '{id}' ended at {proposal.Ends:u}: propose it again");
    }

    private async Task<Proposal> DecideAsync(
        Proposal proposal, ProposalState state, string step, string by, string purpose, IReadOnlyList<DocumentChange> changes, CancellationToken cancellation)
    {
        try
        {
            return await KeepAsync(proposal with { State = state, DecidedBy = by, DecidedAt = time.GetUtcNow(), Payload = [] }, step, by, purpose, changes, cancellation);
        }
        catch (DocumentConflictException conflict) when (conflict.Key == new DocumentKey(proposal.Tenant, Kind, proposal.Id))
        {
            throw Decided(await RequireAsync(proposal.Tenant, proposal.Id, cancellation));
        }
    }

    private async Task<Proposal> KeepAsync(Proposal proposal, string step, string by, string purpose, IReadOnlyList<DocumentChange> changes, CancellationToken cancellation)
    {
        var entry = await registry.ChangeAsync(
            new()
            {
                Tenant = proposal.Tenant,
                Time = proposal.DecidedAt ?? proposal.Proposed,
                Actor = by,
                Action = $"{proposal.Action}.{step}",
                Resource = proposal.Resource,
                Purpose = purpose,
                Details = [new("proposal", proposal.Id), new("proposer", proposal.Proposer), new("payload", proposal.PayloadHash.ToString())],
            },
            [new(Kind, proposal.Id, proposal.Version, proposal.Encode()), .. changes],
            cancellation);
        return proposal with { Version = entry.Record.Documents[0].Version };
    }

    private static ProposalRefusedException Decided(Proposal proposal) =>
        new(ProposalRefusal.Decided, $"proposal '{proposal.Id}' was {(proposal.State is ProposalState.Approved ? "approved" : "rejected")} by '{proposal.DecidedBy}'");
}
