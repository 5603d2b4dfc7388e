using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Gateway;

using Access = R1Grains.Access.Access;

/// <summary>Where compliance officers write words and put them into force, and where supervisors decide about what waits for them.</summary>
internal sealed class GuardrailEndpoint(WordLists lists, Editions editions, HeldTurns held, Decisions decisions, IRecord record, Restrictions restrictions, Readings readings, IGrainFactory grains, PageTokens pages, Drain drain, TimeProvider time)
    : V1.GuardrailService.GuardrailServiceBase
{
    private const string WordListList = "word-lists";
    private const string ProposalList = "proposals";
    private const string EditionList = "editions";
    private const string EntryList = "lexicon-entries";
    private const string HeldList = "held-turns";
    private const string ReviewedList = "reviewed-turns";

    [Asks<TenantName>(Permission.ManageGuardrails, "parent")]
    public override async Task<V1.WordList> CreateWordList(V1.CreateWordListRequest request, ServerCallContext context)
    {
        var (tenant, caller) = (context.Resource<TenantName>(), context.Caller());
        var requestId = RequestId.Parse(request.RequestId);
        if (!ResourceName.IsId(request.WordListId))
            throw Refuse.Field(Reason.InvalidName, "word_list_id", $"word_list_id {Refuse.Quote(request.WordListId)} is not 1 to 63 characters of a-z, 0-9 and '-' beginning with a letter or digit");
        var wanted = request.WordList ?? new();
        var by = caller.By(requestId, Payload("word-list.create", request.WordListId, wanted));
        return (await lists.Create(tenant.Tenant, request.WordListId, wanted.Title(), wanted.Entries.ToEntries(), by)).ToWire(withEntries: true);
    }

    [Asks<WordListName>(Permission.ManageGuardrails, "name")]
    public override async Task<V1.WordList> GetWordList(V1.GetWordListRequest request, ServerCallContext context)
    {
        var name = context.Resource<WordListName>();
        return (await lists.Find(name.Tenant, name.WordList)).ToWire(withEntries: true);
    }

    [Asks<TenantName>(Permission.ManageGuardrails, "parent")]
    public override async Task<V1.ListWordListsResponse> ListWordLists(V1.ListWordListsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var (page, next) = await lists.List(parent.Tenant, PageTokens.Size(request.PageSize), pages.OpenText(WordListList, parent, caller, request.PageToken));
        return new() { WordLists = { page.Select(list => list.ToWire(withEntries: false)) }, NextPageToken = pages.SealText(WordListList, parent, caller, next) };
    }

    [Asks<WordListName>(Permission.ManageGuardrails, "name")]
    public override async Task<V1.WordList> UpdateWordList(V1.UpdateWordListRequest request, ServerCallContext context)
    {
        var (name, caller) = (context.Resource<WordListName>(), context.Caller());
        var requestId = RequestId.Parse(request.RequestId);
        var wanted = request.WordList ?? new();
        var by = caller.By(requestId, Payload("word-list.update", name.WordList, wanted));
        return (await lists.Update(name.Tenant, name.WordList, wanted.Etag, wanted.Title(), wanted.Entries.ToEntries(), by)).ToWire(withEntries: true);
    }

    [Asks<WordListName>(Permission.ManageGuardrails, "name")]
    public override async Task<Empty> DeleteWordList(V1.DeleteWordListRequest request, ServerCallContext context)
    {
        var (name, caller) = (context.Resource<WordListName>(), context.Caller());
        var by = caller.By(RequestId.Parse(request.RequestId), PayloadHash.Of("word-list.delete", name.WordList, request.Etag));
        await lists.Delete(name.Tenant, name.WordList, request.Etag, by);
        return new();
    }

    [Asks<TenantName>(Permission.ManageGuardrails, "parent")]
    public override async Task<V1.TestTextResponse> TestText(V1.TestTextRequest request, ServerCallContext context)
    {
        var tenant = context.Resource<TenantName>();
        var trial = request.ToTrial(tenant);
        return (await grains.GetGrain<ILexiconGrain>(tenant.Tenant).Test(trial, context.CancellationToken)).ToWire(tenant, trial.Scope);
    }

    [Asks<TenantName>(Permission.ManageGuardrails, "parent")]
    public override async Task<V1.Proposal> ProposeEdition(V1.ProposeEditionRequest request, ServerCallContext context)
    {
        var (tenant, caller) = (context.Resource<TenantName>(), context.Caller());
        var requestId = RequestId.Parse(request.RequestId);
        var restored = request.Edition.Length == 0 ? null : EditionName.Parse(request.Edition, "edition");
        if (restored is not null) Access.Require(caller, Permission.ManageGuardrails, restored);
        return Show(await editions.Propose(tenant.Tenant, restored?.Number, Purpose.Parse(request.Purpose), caller.Subject, requestId), context);
    }

    [Asks<ProposalName>(Permission.ManageGuardrails, "name", Or = [Permission.ApproveGuardrails])]
    public override async Task<V1.Proposal> GetProposal(V1.GetProposalRequest request, ServerCallContext context)
    {
        var name = context.Resource<ProposalName>();
        return Show(await editions.FindProposal(name.Tenant, name.Proposal), context, request.PageSize, request.PageToken);
    }

    [Asks<TenantName>(Permission.ManageGuardrails, "parent", Or = [Permission.ApproveGuardrails])]
    public override async Task<V1.ListProposalsResponse> ListProposals(V1.ListProposalsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var (page, next) = await editions.ListProposals(parent.Tenant, PageTokens.Size(request.PageSize), pages.OpenText(ProposalList, parent, caller, request.PageToken));
        return new() { Proposals = { page.Select(proposal => proposal.ToWire(time.GetUtcNow())) }, NextPageToken = pages.SealText(ProposalList, parent, caller, next) };
    }

    [Asks<ProposalName>(Permission.ApproveGuardrails, "name")]
    public override async Task<V1.Proposal> ApproveProposal(V1.ApproveProposalRequest request, ServerCallContext context)
    {
        var (name, caller) = (context.Resource<ProposalName>(), context.Caller());
        RequestId.Parse(request.RequestId);
        return Show(await editions.Approve(name.Tenant, name.Proposal, request.Hash, caller.Subject, Purpose.Parse(request.Purpose)), context);
    }

    [Asks<ProposalName>(Permission.ApproveGuardrails, "name")]
    public override async Task<V1.Proposal> RejectProposal(V1.RejectProposalRequest request, ServerCallContext context)
    {
        var (name, caller) = (context.Resource<ProposalName>(), context.Caller());
        RequestId.Parse(request.RequestId);
        return Show(await editions.Reject(name.Tenant, name.Proposal, caller.Subject, Purpose.Parse(request.Purpose)), context);
    }

    [Asks<EditionName>(Permission.ManageGuardrails, "name", Or = [Permission.ApproveGuardrails])]
    public override async Task<V1.Edition> GetEdition(V1.GetEditionRequest request, ServerCallContext context)
    {
        var name = context.Resource<EditionName>();
        var edition = await editions.FindEdition(name.Tenant, name.Number);
        var wire = edition.ToWire((await editions.FindInForce(name.Tenant)).Number);
        (var entries, wire.NextPageToken) = Page(name, edition.Entries, context, request.PageSize, request.PageToken);
        wire.Entries.Add(entries);
        return wire;
    }

    [Asks<TenantName>(Permission.ManageGuardrails, "parent", Or = [Permission.ApproveGuardrails])]
    public override async Task<V1.ListEditionsResponse> ListEditions(V1.ListEditionsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var after = pages.Open(EditionList, parent, caller, request.PageToken) ?? 0;
        var page = await editions.ListEditions(parent.Tenant, PageTokens.Size(request.PageSize), after);
        var (inForce, _) = await editions.FindInForce(parent.Tenant);
        return new() { Editions = { page.Items.Select(edition => edition.ToWire(inForce)) }, NextPageToken = pages.Seal(EditionList, parent, caller, page.Next) };
    }

    [Asks<TenantName>(Permission.ReviewTurns, "parent")]
    public override async Task<V1.ListHeldTurnsResponse> ListHeldTurns(V1.ListHeldTurnsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var list = request.Decided ? ReviewedList : HeldList;
        var (page, next) = await held.List(parent.Tenant, request.Decided, PageTokens.Size(request.PageSize), pages.OpenText(list, parent, caller, request.PageToken));
        return new() { HeldTurns = { page.Select(turn => turn.ToWire(null, null, isLifted: false)) }, NextPageToken = pages.SealText(list, parent, caller, next) };
    }

    [Asks<TurnName>(Permission.ReviewTurns, "turn", Lifting = "lift_masks")]
    public override async Task<V1.HeldTurn> GetHeldTurn(V1.GetHeldTurnRequest request, ServerCallContext context)
    {
        var name = context.Resource<TurnName>();
        var purpose = request.LiftMasks ? Purpose.Require(request.Purpose) : null;
        var key = await RequireConversation(name, context.Caller(), context.CancellationToken);
        var turn = await held.Find(key, name.Index);
        if (purpose is not null) await readings.Lifted(context.Caller(), name, purpose);
        return await Show(turn, purpose is not null, context.CancellationToken);
    }

    [Asks<TurnName>(Permission.ReviewTurns, "turn")]
    public override Task<V1.HeldTurn> ReleaseHeldTurn(V1.ReleaseHeldTurnRequest request, ServerCallContext context) =>
        Decide(releases: true, request.Purpose, request.RequestId, context);

    [Asks<TurnName>(Permission.ReviewTurns, "turn")]
    public override Task<V1.HeldTurn> DiscardHeldTurn(V1.DiscardHeldTurnRequest request, ServerCallContext context) =>
        Decide(releases: false, request.Purpose, request.RequestId, context);

    /// <summary>The decision is recorded, then the conversation gets its turn; after a fault in between the attendant brings it there, or who asks again.</summary>
    private Task<V1.HeldTurn> Decide(bool releases, string purpose, string requestId, ServerCallContext context) => drain.Serve(context.CancellationToken, async ending =>
    {
        var (name, caller) = (context.Resource<TurnName>(), context.Caller());
        RequestId.Parse(requestId);
        var (review, why) = (new Review(name.Index, releases), Purpose.Parse(purpose));
        var key = await RequireConversation(name, caller, ending);
        var (isHeld, isOver) = await decisions.Look(key, name.Index, ending);
        // What ended otherwise after a fault has nothing to be released; the list is rid of it.
        if (releases && !isHeld) throw Refuse.NotHeld(key, name.Index);
        var isTold = await record.FindTurnByRequestAsync(key, review.RequestId, ending) is not null;
        if (releases && isOver && !isTold) throw Refuse.Completed(key);
        var decided = await held.Decide(key, review, caller.Subject, why, time.GetUtcNow());
        var followed = new FollowedTurn(grains.GetGrain<IConversationGrain>(name.Conversation.Key), time);
        await decisions.Tell(decided, turn => followed.Stream(turn with { Trace = Tracing.Here }, ending), ending);
        return await Show(decided, isLifted: false, ending);
    });

    private V1.Proposal Show(ProposedEdition proposed, ServerCallContext context, int pageSize = 0, string pageToken = "")
    {
        var wire = proposed.ToWire(time.GetUtcNow());
        (var entries, wire.NextPageToken) = Page(new ProposalName(proposed.Proposal.Tenant, proposed.Proposal.Id), proposed.Entries, context, pageSize, pageToken);
        wire.Entries.Add(entries);
        return wire;
    }

    private (IReadOnlyList<V1.WordListEntry> Entries, string Next) Page(ResourceName of, IReadOnlyList<LexiconEntry> entries, ServerCallContext context, int size, string token)
    {
        var page = PageTokens.Cut(entries, size, pages.Open(EntryList, of, context.Caller(), token) ?? 0, entry => entry.ToWire());
        return (page.Items, pages.Seal(EntryList, of, context.Caller(), page.Next));
    }

    private async Task<V1.HeldTurn> Show(HeldTurn turn, bool isLifted, CancellationToken cancellation)
    {
        var said = await record.FindTurnAsync(turn.Key, turn.Turn, cancellation);
        var decision = turn.Decision is { } decided ? await record.FindTurnByRequestAsync(turn.Key, decided.Review.RequestId, cancellation) : null;
        return turn.ToWire(said, decision?.Opened.Turn, isLifted);
    }

    private async Task<ConversationKey> RequireConversation(TurnName name, Caller caller, CancellationToken cancellation)
    {
        var key = new ConversationKey(name.Tenant, name.Conversation.Conversation);
        restrictions.Require(caller, await record.FindConversationAsync(key, cancellation) ?? throw Refuse.Missing(key));
        return key;
    }

    private static byte[] Payload(string kind, string id, V1.WordList list) =>
        PayloadHash.Of(kind, [id, list.Title, list.Etag, .. list.Entries.SelectMany(entry => new[] { entry.Term, entry.Category, $"{entry.Level}", $"{entry.Action}", $"{entry.Scope}", entry.ValidFrom, entry.ValidUntil })]);
}
