using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Ledger.Search;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>Where operators say which tenants there are.</summary>
internal sealed class TenantEndpoint(IRegistry registry, IRecord record, Tenants tenants, TenantUpdates updates, TranscriptIndex index, PageTokens pages, Model model, TimeProvider time) : V1.TenantService.TenantServiceBase
{
    private const string TenantList = "tenants";
    private const string UpdateList = "tenant-updates";

    /// <summary>Pages of this list are of no tenant.</summary>
    private static readonly TenantName Everywhere = new(IRegistry.Cluster);

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.Tenant> CreateTenant(V1.CreateTenantRequest request, ServerCallContext context)
    {
        if (!ResourceName.IsId(request.TenantId))
            throw Refuse.Field(Reason.InvalidName, "tenant_id", $"tenant_id {Refuse.Quote(request.TenantId)} is not 1 to 63 characters of a-z, 0-9 and '-' beginning with a letter or digit");
        var definition = Define(request.TenantId, request.Tenant, request.RequestId, context);
        // What is served from a folder, or was, would else be replaced by one person.
        if (await registry.FindAsync(TenantDefinition.Key(request.TenantId), context.CancellationToken) is null && await IsThere(request.TenantId, context))
            throw Exists(request.TenantId);
        try
        {
            return ToWire(request.TenantId, definition, await Create(request.TenantId, definition, request.Purpose, context));
        }
        catch (DocumentConflictException)
        {
            var (version, there) = await Find(request.TenantId, context);
            return IsRepeated(there, definition)
                ? ToWire(request.TenantId, there, version)
                : throw Exists(request.TenantId);
        }
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.Tenant> GetTenant(V1.GetTenantRequest request, ServerCallContext context)
    {
        var tenant = TenantName.Parse(request.Name, "name").Tenant;
        var (version, definition) = await Find(tenant, context);
        return ToWire(tenant, definition, version);
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.ListTenantsResponse> ListTenants(V1.ListTenantsRequest request, ServerCallContext context)
    {
        var size = PageTokens.Size(request.PageSize);
        var after = pages.Open(TenantList, Everywhere, context.Caller(), request.PageToken) ?? 0;
        var documents = await registry.ListChangedAsync([TenantDefinition.Kind], after, size, context.CancellationToken);
        return new()
        {
            Tenants =
            {
                from document in documents
                let definition = TenantDefinition.Of(document)
                where definition is not null
                select ToWire(document.Key.Tenant, definition with { Policy = "", Facts = "", Lexicon = "", Disclosure = Disclosure.House }, document.Version),
            },
            NextPageToken = pages.Seal(TenantList, Everywhere, context.Caller(), documents.Count == size ? documents[^1].Change : null),
        };
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.TenantUpdate> ProposeTenantUpdate(V1.ProposeTenantUpdateRequest request, ServerCallContext context)
    {
        var tenant = TenantName.Parse(request.Name, "name").Tenant;
        RequestId.Parse(request.RequestId);
        var there = await registry.FindAsync(TenantDefinition.Key(tenant), context.CancellationToken);
        // One that lies in a folder has no version yet.
        var version = there is null && await IsThere(tenant, context) ? 0 : (await Find(tenant, context)).Version;
        var definition = Define(tenant, request.Tenant, request.RequestId, context);
        return ToWire(await updates.Propose(tenant, request.Etag, version, definition, Purpose.Parse(request.Purpose)));
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.TenantUpdate> GetTenantUpdate(V1.GetTenantUpdateRequest request, ServerCallContext context)
    {
        var name = TenantUpdateName.Parse(request.Name, "name");
        return ToWire(await updates.Find(name.Tenant, name.Update));
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.ListTenantUpdatesResponse> ListTenantUpdates(V1.ListTenantUpdatesRequest request, ServerCallContext context)
    {
        var (parent, caller) = (TenantName.Parse(request.Parent, "parent"), context.Caller());
        if (!await IsThere(parent.Tenant, context)) await Find(parent.Tenant, context);
        var (page, next) = await updates.List(parent.Tenant, PageTokens.Size(request.PageSize), pages.OpenText(UpdateList, parent, caller, request.PageToken));
        return new() { Updates = { page.Select(ToWire) }, NextPageToken = pages.SealText(UpdateList, parent, caller, next) };
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.TenantUpdate> ApproveTenantUpdate(V1.ApproveTenantUpdateRequest request, ServerCallContext context)
    {
        var name = TenantUpdateName.Parse(request.Name, "name");
        RequestId.Parse(request.RequestId);
        return ToWire(await updates.Approve(name.Tenant, name.Update, request.Hash, Actor(context.Caller()), Purpose.Parse(request.Purpose)));
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.TenantUpdate> RejectTenantUpdate(V1.RejectTenantUpdateRequest request, ServerCallContext context)
    {
        var name = TenantUpdateName.Parse(request.Name, "name");
        RequestId.Parse(request.RequestId);
        return ToWire(await updates.Reject(name.Tenant, name.Update, Actor(context.Caller()), Purpose.Parse(request.Purpose)));
    }

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<V1.SearchIndex> GetSearchIndex(V1.GetSearchIndexRequest request, ServerCallContext context) =>
        (await FindIndex(TenantName.Parse(request.Name, "name"), context)).ToWire();

    [AsksOfAll(Permission.ManageTenants)]
    public override async Task<Empty> RebuildSearchIndex(V1.RebuildSearchIndexRequest request, ServerCallContext context)
    {
        var name = TenantName.Parse(request.Name, "name");
        RequestId.Parse(request.RequestId);
        await FindIndex(name, context);
        await registry.AppendAsync(
            new()
            {
                Tenant = name.Tenant,
                Time = time.GetUtcNow(),
                Actor = Actor(context.Caller()),
                Action = "search.rebuild",
                Resource = name.ToString(),
                Purpose = Purpose.Parse(request.Purpose),
            },
            context.CancellationToken);
        await index.DropAsync(name.Tenant, context.CancellationToken);
        return new();
    }

    /// <summary>Also of a tenant whose definition lies in a folder of another process: what was recorded of it is there.</summary>
    private async Task<IndexState> FindIndex(TenantName name, ServerCallContext context) =>
        await index.ReadStateAsync(name.Tenant, context.CancellationToken) is { TreeLeaves: > 0 } state
            ? state
            : throw new RefusedException(new(Reason.TenantNotFound, $"of {name} nothing is recorded"));

    /// <summary>Whether anybody may be in it: it is served here, or somebody has spoken in it, wherever it was.</summary>
    private async Task<bool> IsThere(string tenant, ServerCallContext context) =>
        tenants.Find(tenant) is not null || (await record.ListConversationsAsync(tenant, 1, 0, context.CancellationToken)).Items.Count > 0;

    private static RefusedException Exists(string tenant) => new(new(Reason.TenantExists, $"tenants/{tenant} exists already: propose what is to change in it, or choose another tenant_id"));

    /// <summary>As it would be served, so that what cannot be is refused here and not found out later.</summary>
    private TenantDefinition Define(string tenant, V1.Tenant? wanted, string requestId, ServerCallContext context)
    {
        wanted ??= new();
        var definition = new TenantDefinition(wanted.Policy, wanted.Facts, wanted.Lexicon, ToDisclosure(wanted.AiDisclosure), Actor(context.Caller()), time.GetUtcNow(), RequestId.Parse(requestId));
        try
        {
            Tenants.Read(tenant, definition, model);
        }
        catch (StartFailure wrong)
        {
            throw Refuse.Field(Reason.InvalidArgument, "tenant", wrong.Message);
        }
        return definition;
    }

    private async Task<(long Version, TenantDefinition Definition)> Find(string tenant, ServerCallContext context)
    {
        var document = await registry.FindAsync(TenantDefinition.Key(tenant), context.CancellationToken)
            ?? throw new RefusedException(new(Reason.TenantNotFound, $"tenants/{tenant} does not exist"));
        return (document.Version, TenantDefinition.Of(document) ?? throw new RefusedException(new(Reason.Internal, $"the {document.Key} cannot be read: verify the record")));
    }

    /// <returns>The version after it.</returns>
    private async Task<long> Create(string tenant, TenantDefinition definition, string purpose, ServerCallContext context)
    {
        context.CancellationToken.ThrowIfCancellationRequested();
        var entry = await registry.ChangeAsync(
            new()
            {
                Tenant = tenant,
                Time = definition.UpdatedAt,
                Actor = definition.UpdatedBy,
                Action = "tenant.create",
                Resource = $"tenants/{tenant}",
                Purpose = Purpose.Parse(purpose),
            },
            [new(TenantDefinition.Kind, TenantDefinition.Id, 0, definition.Content())],
            CancellationToken.None);
        return entry.Record.Documents[0].Version;
    }

    /// <summary>In another tenant's chain a subject alone says nothing.</summary>
    private static string Actor(Caller caller) => $"tenants/{caller.Tenant}/subjects/{caller.Subject}";

    private static bool IsRepeated(TenantDefinition there, TenantDefinition wanted) => there with { UpdatedAt = wanted.UpdatedAt } == wanted;

    private static V1.Tenant ToWire(string tenant, TenantDefinition definition, long version) => new()
    {
        Name = $"tenants/{tenant}",
        Policy = definition.Policy,
        Facts = definition.Facts,
        Lexicon = definition.Lexicon,
        Etag = Etag.Of(version),
        UpdateTime = definition.UpdatedAt.ToTimestamp(),
        UpdatedBy = definition.UpdatedBy,
        AiDisclosure = definition.Disclosure == Disclosure.House ? null : new() { Notice = { definition.Disclosure.Notice }, Label = definition.Disclosure.Label },
    };

    private V1.TenantUpdate ToWire(ProposedTenant proposed)
    {
        var proposal = proposed.Proposal;
        var texts = proposed.Definition is { } wanted ? ToWire(proposal.Tenant, wanted, proposed.Version) : null;
        // It is not set yet.
        if (texts is not null) texts.UpdateTime = null;
        return new()
        {
            Name = new TenantUpdateName(proposal.Tenant, proposal.Id).ToString(),
            State = proposal.StateAt(time.GetUtcNow()),
            Purpose = proposal.Purpose,
            Tenant = texts,
            Hash = $"{proposal.PayloadHash}",
            Proposer = proposal.Proposer,
            ProposeTime = proposal.Proposed.ToTimestamp(),
            ExpireTime = proposal.Ends.ToTimestamp(),
            Decider = proposal.DecidedBy ?? "",
            DecideTime = proposal.DecidedAt?.ToTimestamp(),
        };
    }

    private static Disclosure ToDisclosure(V1.AiDisclosure? wanted) =>
        wanted is null ? Disclosure.House : new(wanted.Notice.ToImmutableSortedDictionary(StringComparer.Ordinal), !wanted.HasLabel || wanted.Label);
}
