using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Retention;

namespace R1Grains.Gateway;

/// <content>What must be kept, and what must go.</content>
internal sealed partial class TranscriptEndpoint
{
    private const string HoldList = "legal-holds";
    private const string ReleasedHoldList = "released-legal-holds";
    private const string ErasureList = "erasures";

    [Asks<TenantName>(Permission.ManageLegalHolds, "parent")]
    public override async Task<V1.LegalHold> PlaceLegalHold(V1.PlaceLegalHoldRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var (requestId, purpose) = (RequestId.Parse(request.RequestId), Purpose.Require(request.Purpose));
        var extent = request.CoversCase switch
        {
            V1.PlaceLegalHoldRequest.CoversOneofCase.Customer => await Customer(parent, request.Customer, "customer"),
            V1.PlaceLegalHoldRequest.CoversOneofCase.ConversationName => await Conversation(parent, request.ConversationName, "conversation_name", context.CancellationToken),
            V1.PlaceLegalHoldRequest.CoversOneofCase.WholeTenant when request.WholeTenant => Extent.Tenant,
            _ => throw Refuse.Field(Reason.InvalidArgument, "covers", "neither customer nor conversation_name nor whole_tenant is set: say what the hold covers"),
        };
        try
        {
            return (await holds.PlaceAsync(parent.Tenant, HoldIdOf(caller, requestId), extent, caller.Subject, purpose, context.CancellationToken)).ToWire();
        }
        catch (HoldRefusedException refused)
        {
            throw refused.Refusal is HoldRefusal.Exists ? Refuse.Reused(requestId) : new RefusedException(new(Reason.ErasureUnderWay, refused.Message));
        }
    }

    [Asks<LegalHoldName>(Permission.ManageLegalHolds, "name")]
    public override async Task<V1.LegalHold> ReleaseLegalHold(V1.ReleaseLegalHoldRequest request, ServerCallContext context)
    {
        var name = context.Resource<LegalHoldName>();
        RequestId.Parse(request.RequestId);
        try
        {
            return (await holds.ReleaseAsync(name.Tenant, name.Hold, context.Caller().Subject, Purpose.Require(request.Purpose), context.CancellationToken)).ToWire();
        }
        catch (HoldRefusedException refused)
        {
            throw new RefusedException(new(Reason.LegalHoldNotFound, refused.Message));
        }
    }

    [Asks<TenantName>(Permission.ManageLegalHolds, "parent")]
    public override async Task<V1.ListLegalHoldsResponse> ListLegalHolds(V1.ListLegalHoldsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var list = ListOf(request.Released ? ReleasedHoldList : HoldList, request.Customer);
        var size = PageTokens.Size(request.PageSize);
        var page = await holds.ListAsync(parent.Tenant, request.Released, size, pages.OpenText(list, parent, caller, request.PageToken), context.CancellationToken);
        var customer = request.Customer.Length == 0 ? null : await Customer(parent, request.Customer, "customer");
        var wanted = new List<V1.LegalHold>();
        foreach (var hold in page)
        {
            if (customer is null || await Keeps(hold, customer, context.CancellationToken))
                wanted.Add(hold.ToWire());
        }
        return new()
        {
            LegalHolds = { wanted },
            NextPageToken = pages.SealText(list, parent, caller, page.Count == size ? page[^1].Id : null),
        };
    }

    [Asks<TenantName>(Permission.Erase, "parent")]
    public override async Task<V1.Erasure> RequestErasure(V1.RequestErasureRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var (requestId, purpose) = (RequestId.Parse(request.RequestId), Purpose.Require(request.Purpose));
        var extent = request.OfCase switch
        {
            V1.RequestErasureRequest.OfOneofCase.Customer => await Customer(parent, request.Customer, "customer"),
            V1.RequestErasureRequest.OfOneofCase.ConversationName => await Conversation(parent, request.ConversationName, "conversation_name", context.CancellationToken),
            _ => throw Refuse.Field(Reason.InvalidArgument, "of", "neither customer nor conversation_name is set: say whose words are to be erased"),
        };
        var name = new ErasureName(parent.Tenant, Erasures.IdOf(caller.Subject, requestId));
        return await Erasure(name, () => erasures.RequestAsync(parent.Tenant, name.Erasure, extent, request.WhenDue, caller.Subject, purpose, context.CancellationToken), requestId);
    }

    [Asks<ErasureName>(Permission.ApproveErasure, "name")]
    public override async Task<V1.Erasure> ApproveErasure(V1.ApproveErasureRequest request, ServerCallContext context)
    {
        var (name, caller) = (context.Resource<ErasureName>(), context.Caller());
        var (requestId, purpose) = (RequestId.Parse(request.RequestId), Purpose.Require(request.Purpose));
        var asked = await erasures.FindAsync(name.Tenant, name.Erasure, context.CancellationToken) ?? throw MissingErasure(name);
        if ($"{asked.Proposal.PayloadHash}" != request.Hash)
            throw Refuse.Field(Reason.InvalidArgument, "hash", $"{name} has the hash {asked.Proposal.PayloadHash}: look at it, and send that");
        var approved = await Erasure(name, () => erasures.ApproveAsync(name.Tenant, name.Erasure, asked.Proposal.PayloadHash, caller.Subject, purpose, context.CancellationToken), requestId);
        await grains.GetGrain<IErasingGrain>(ErasingGrain.Key).Advance(name.Tenant);
        return approved;
    }

    [Asks<ErasureName>(Permission.ApproveErasure, "name", Or = [Permission.Erase])]
    public override async Task<V1.Erasure> RejectErasure(V1.RejectErasureRequest request, ServerCallContext context)
    {
        var (name, caller) = (context.Resource<ErasureName>(), context.Caller());
        var (requestId, purpose) = (RequestId.Parse(request.RequestId), Purpose.Require(request.Purpose));
        // Who asks may take back what they asked, and nothing else.
        var asked = await erasures.FindAsync(name.Tenant, name.Erasure, context.CancellationToken) ?? throw MissingErasure(name);
        if (asked.Proposal.Proposer != caller.Subject)
            Access.Access.Require(caller, Permission.ApproveErasure, name);
        return await Erasure(name, () => erasures.RejectAsync(name.Tenant, name.Erasure, caller.Subject, purpose, context.CancellationToken), requestId);
    }

    [Asks<ErasureName>(Permission.ApproveErasure, "name", Or = [Permission.Erase, Permission.ReadAuditEvents])]
    public override async Task<V1.Erasure> GetErasure(V1.GetErasureRequest request, ServerCallContext context)
    {
        var name = context.Resource<ErasureName>();
        return (await erasures.FindAsync(name.Tenant, name.Erasure, context.CancellationToken) ?? throw MissingErasure(name)).ToWire(time.GetUtcNow(), isWhole: true);
    }

    [Asks<TenantName>(Permission.ApproveErasure, "parent", Or = [Permission.Erase, Permission.ReadAuditEvents])]
    public override async Task<V1.ListErasuresResponse> ListErasures(V1.ListErasuresRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var (page, next) = await erasures.ListAsync(parent.Tenant, PageTokens.Size(request.PageSize), pages.OpenText(ErasureList, parent, caller, request.PageToken), context.CancellationToken);
        return new() { Erasures = { page.Select(erasure => erasure.ToWire(time.GetUtcNow(), isWhole: false)) }, NextPageToken = pages.SealText(ErasureList, parent, caller, next) };
    }

    private async Task<V1.Erasure> Erasure(ErasureName name, Func<Task<RequestedErasure>> act, string requestId)
    {
        try
        {
            return (await act()).ToWire(time.GetUtcNow(), isWhole: true);
        }
        catch (ErasureRefusedException refused)
        {
            throw new RefusedException(refused.ToRefusal());
        }
        catch (ProposalRefusedException refused)
        {
            throw refused.Refusal switch
            {
                ProposalRefusal.NotFound => MissingErasure(name),
                ProposalRefusal.Exists => Refuse.Reused(requestId),
                ProposalRefusal.OwnProposal => new RefusedException(new(Reason.AnotherPersonNeeded, $"{name}: {refused.Message}")),
                ProposalRefusal.Ended => new RefusedException(new(Reason.ProposalOutdated, $"{name}: {refused.Message}")),
                _ => new RefusedException(new(Reason.ProposalDecided, $"{name}: {refused.Message}")),
            };
        }
    }

    private async Task<Extent> Customer(TenantName tenant, string customer, string field)
    {
        if (string.IsNullOrWhiteSpace(customer))
            throw Refuse.Field(Reason.InvalidArgument, field, $"{field} is empty: name the customer as conversations were created with it");
        return Extent.OfCustomer((await ring.SubjectsAsync(tenant.Tenant, customer)).Select(subject => subject.Hash));
    }

    private async Task<Extent> Conversation(TenantName tenant, string text, string field, CancellationToken cancellation)
    {
        var name = ConversationName.Parse(text, field);
        var key = new ConversationKey(name.Tenant, name.Conversation);
        return name.Tenant == tenant.Tenant && await record.FindConversationAsync(key, cancellation) is not null ? Extent.OfConversation(name.Conversation) : throw Refuse.Missing(key);
    }

    /// <summary>Whether it covers anything of the customer: all of the tenant, or the customer, or a conversation of theirs.</summary>
    private async Task<bool> Keeps(LegalHold hold, Extent customer, CancellationToken cancellation) =>
        hold.Extent.Conversation is not { } name ? !hold.Extent.IsCustomer || hold.Extent.Subjects.Intersect(customer.Subjects).Any()
        : await record.FindConversationAsync(new(hold.Tenant, name), cancellation) is { } conversation && customer.Subjects.Contains(conversation.Subject);

    private static RefusedException MissingErasure(ErasureName name) => new(new(Reason.ErasureNotFound, $"{name} does not exist"));

    private static string HoldIdOf(Caller caller, string requestId) => $"hold-{Convert.ToHexStringLower(PayloadHash.Of("legal-hold", caller.Subject, requestId))[..20]}";
}
