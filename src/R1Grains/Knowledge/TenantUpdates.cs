using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Knowledge;

/// <param name="Version">Of the definition that it replaces.</param>
/// <param name="Definition">Null once it is decided: an approved one is the tenant's.</param>
internal sealed record ProposedTenant(Proposal Proposal, long Version, TenantDefinition? Definition);

/// <summary>How a tenant that is there gets other texts: proposed by one person, approved by another. What they are decides what customers are told, and which words pass.</summary>
internal sealed class TenantUpdates(IRegistry registry, TimeProvider time)
{
    private const string Action = "tenant.update";

    // Of the ids of its proposals, which lie beside others.
    private const string Prefix = "tenant-";

    // They come with their texts.
    private const int PageMax = 20;

    private readonly FourEyes _fourEyes = new(registry, time);

    /// <summary>The same request again finds what it proposed.</summary>
    /// <param name="etag">Of the definition that was read.</param>
    /// <param name="version">Of the one that is there.</param>
    /// <exception cref="RefusedException"/>
    public async Task<ProposedTenant> Propose(string tenant, string etag, long version, TenantDefinition definition, string purpose)
    {
        var (proposer, requestId) = (definition.UpdatedBy, definition.RequestId);
        var id = Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{proposer}\n{requestId}")))[..20];
        // It is the tenant's from its approval on, whenever that is.
        var texts = definition with { UpdatedAt = default };
        if (await _fourEyes.FindAsync(tenant, id) is { } known)
            return known.PayloadHash == Digest.Of(Payload(etag, texts)) && known.Purpose == purpose ? Read(known) : throw Refuse.Reused(requestId);
        Etag.Parse(etag, version);
        var payload = Payload(etag, texts);
        if (payload.Length > IRegistry.ContentLengthMax / 2)
            throw Refuse.Field(Reason.InvalidArgument, "tenant", $"tenant has {payload.Length} bytes of texts, at most {IRegistry.ContentLengthMax / 2} can be proposed: shorten them");
        try
        {
            await _fourEyes.ProposeAsync(tenant, id, Action, $"tenants/{tenant}", proposer, payload, purpose);
            return await Find(tenant, id);
        }
        catch (ProposalRefusedException refused)
        {
            throw refused.Refusal is ProposalRefusal.Exists ? Refuse.Reused(requestId) : Refuse.Proposal(refused, Name(tenant, id));
        }
    }

    /// <summary>Makes what was proposed the tenant's.</summary>
    /// <param name="hash">Of what was looked at.</param>
    /// <exception cref="RefusedException"/>
    public async Task<ProposedTenant> Approve(string tenant, string id, string hash, string approver, string purpose)
    {
        var proposed = await Find(tenant, id);
        var proposal = proposed.Proposal;
        if (proposal.State is ProposalState.Approved && proposal.DecidedBy == approver) return proposed;
        if ($"{proposal.PayloadHash}" != hash)
            throw Refuse.Field(Reason.InvalidArgument, "hash", $"{Name(tenant, id)} has the hash {proposal.PayloadHash}: look at it, and send that");
        // Operators are of no tenant: with tokens of two of them somebody has two names, and is one person.
        if (proposal.State is ProposalState.Pending && Subject(proposal.Proposer).Equals(Subject(approver), StringComparison.OrdinalIgnoreCase))
            throw new RefusedException(new(Reason.AnotherPersonNeeded, $"{Name(tenant, id)}: '{proposal.Proposer}' proposed it: somebody else has to approve it"));
        try
        {
            await _fourEyes.ApproveAsync(tenant, id, proposal.PayloadHash, approver, pending => [Replaces(Read(pending))], purpose);
            return await Find(tenant, id);
        }
        catch (DocumentConflictException conflict) when (conflict.Key == TenantDefinition.Key(tenant))
        {
            throw new RefusedException(new(Reason.ProposalOutdated, $"{Name(tenant, id)} would replace etag {Etag.Of(proposed.Version)} of tenants/{tenant}, which was changed meanwhile: propose again"));
        }
        catch (ProposalRefusedException refused)
        {
            throw Refuse.Proposal(refused, Name(tenant, id));
        }
    }

    /// <exception cref="RefusedException"/>
    public async Task<ProposedTenant> Reject(string tenant, string id, string by, string purpose)
    {
        var proposed = await Find(tenant, id);
        if (proposed.Proposal is { State: ProposalState.Rejected } rejected && rejected.DecidedBy == by) return proposed;
        try
        {
            await _fourEyes.RejectAsync(tenant, id, by, purpose);
            return await Find(tenant, id);
        }
        catch (ProposalRefusedException refused)
        {
            throw Refuse.Proposal(refused, Name(tenant, id));
        }
    }

    /// <exception cref="RefusedException"/>
    public async Task<ProposedTenant> Find(string tenant, string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal) && await _fourEyes.FindAsync(tenant, id) is { } proposal
            ? Read(proposal)
            : throw new RefusedException(new(Reason.ProposalNotFound, $"{Name(tenant, id)} does not exist"));

    /// <summary>Without their texts, in the order of their ids.</summary>
    /// <param name="after">Null for the first page, else what came with the page before.</param>
    public async Task<(IReadOnlyList<ProposedTenant> Proposals, string? Next)> List(string tenant, int count, string? after)
    {
        var size = Math.Min(count, PageMax);
        var page = await _fourEyes.ListAsync(tenant, size, after ?? Prefix);
        List<ProposedTenant> own = [.. page.TakeWhile(proposal => proposal.Id.StartsWith(Prefix, StringComparison.Ordinal)).Select(proposal => new ProposedTenant(proposal, 0, null))];
        return (own, own.Count == size ? own[^1].Proposal.Id : null);
    }

    private static byte[] Payload(string etag, TenantDefinition texts) => JsonSerializer.SerializeToUtf8Bytes(new Change(etag, texts), TenantDefinition.Form);

    private static ProposedTenant Read(Proposal proposal)
    {
        if (proposal.State is not ProposalState.Pending) return new(proposal, 0, null);
        var change = JsonSerializer.Deserialize<Change>(proposal.Payload, TenantDefinition.Form)!;
        return new(proposal, long.Parse(change.Etag, CultureInfo.InvariantCulture), change.Texts);
    }

    private DocumentChange Replaces(ProposedTenant pending) =>
        new(TenantDefinition.Kind, TenantDefinition.Id, pending.Version, (pending.Definition! with { UpdatedAt = time.GetUtcNow() }).Content());

    private static string Subject(string actor) => actor[(actor.IndexOf("/subjects/", StringComparison.Ordinal) + 1)..];

    private static string Name(string tenant, string id) => $"tenants/{tenant}/updates/{id}";

    private sealed record Change(string Etag, TenantDefinition Texts);
}
