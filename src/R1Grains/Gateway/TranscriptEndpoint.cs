using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>Where auditors ask. What they read is recorded before it is shown.</summary>
internal sealed partial class TranscriptEndpoint(
    TranscriptSearch search, AuditEvents events, Readings readings, SearchKeys keys, TurnReplay replay, LedgerVerifications verifications, LegalHolds holds, Erasures erasures, Restrictions restrictions, ExportRegister exports, KeyRing ring, Callers callers, IGrainFactory grains,
    IRecord record, PageTokens pages, Drain drain, TimeProvider time)
    : V1.TranscriptService.TranscriptServiceBase
{
    private const string TurnList = "transcript";
    private const string MatchList = "matches";
    private const string EventList = "audit-events";

    /// <summary>The record of a search names them one by one.</summary>
    private const int MatchesMax = 200;

    [Asks<TenantName>(Permission.ReadRedacted, "parent")]
    public override async Task<V1.SearchTranscriptsResponse> SearchTranscripts(V1.SearchTranscriptsRequest request, ServerCallContext context)
    {
        var (parent, caller, purpose) = (context.Resource<TenantName>(), context.Caller(), Purpose.Require(request.Purpose));
        var (words, filter) = (SearchedWords.Parse(request.Query, "query"), request.Filter.ToFilter());
        var list = ListOf(MatchList, request.Query, request.Filter);
        var size = Math.Min(PageTokens.Size(request.PageSize), MatchesMax);
        var page = await search.Find(parent.Tenant, words, filter, pages.Open(list, parent, caller, request.PageToken), size, caller.May(Permission.ReadRestricted), context.CancellationToken);
        await readings.Keep(
            caller, SearchRecord.Action, parent, purpose, SearchRecord.Details(await keys.Of(parent.Tenant), request.Query, filter, page.Turns.Select(found => found.Turn)));
        return new()
        {
            Matches = { page.Turns.Select(found => found.ToWire()) },
            NextPageToken = pages.Seal(list, parent, caller, page.Next),
            Index = page.Index.ToWire(),
        };
    }

    [AsksView<ConversationName>("name")]
    public override async Task<V1.Transcript> GetTranscript(V1.GetTranscriptRequest request, ServerCallContext context)
    {
        var (name, caller, purpose) = (context.Resource<ConversationName>(), context.Caller(), Purpose.Require(request.Purpose));
        var key = new ConversationKey(name.Tenant, name.Conversation);
        var view = request.View is V1.TranscriptView.Unspecified ? V1.TranscriptView.Redacted : request.View;
        // A page that was begun in one view does not go on in another.
        var list = ListOf(TurnList, $"{view}");
        var (size, after) = (PageTokens.Size(request.PageSize), pages.Open(list, name, caller, request.PageToken));
        var conversation = await record.FindConversationAsync(key, context.CancellationToken) ?? throw Refuse.Missing(key);
        restrictions.Require(caller, conversation);
        var language = Faults.LanguageOf(context);
        var page = await PageTokens.Read(size, count => record.ListTurnsAsync(key, count, after, context.CancellationToken), turn => turn.ToWire(name, language, view));
        await readings.Keep(caller, "transcript.read", name, purpose, [new("view", $"{view}"), .. Readings.Turns(page.Items.Select(turn => turn.Turn.Index))]);
        return new()
        {
            Conversation = Views.Of(conversation).ToWire(view),
            View = view,
            Turns = { page.Items },
            NextPageToken = pages.Seal(list, name, caller, page.Next),
        };
    }

    [Asks<TenantName>(Permission.ReadAuditEvents, "parent")]
    public override async Task<V1.ListAuditEventsResponse> ListAuditEvents(V1.ListAuditEventsRequest request, ServerCallContext context)
    {
        var (parent, caller, purpose) = (context.Resource<TenantName>(), context.Caller(), Purpose.Require(request.Purpose));
        var filter = request.ToFilter();
        var list = ListOf(EventList, $"{filter}");
        var before = pages.Open(list, parent, caller, request.PageToken);
        var page = await PageTokens.Read(PageTokens.Size(request.PageSize), count => events.List(parent.Tenant, filter, count, before, context.CancellationToken), Wire.ToWire);
        await readings.Keep(caller, "audit.list", parent, purpose, filter.Details());
        return new() { Events = { page.Items }, NextPageToken = pages.Seal(list, parent, caller, page.Next) };
    }

    [Asks<TurnName>(Permission.ReplayTurns, "turn")]
    public override async Task ReplayTurn(V1.ReplayTurnRequest request, IServerStreamWriter<V1.ReplayEvent> responseStream, ServerCallContext context)
    {
        var turn = context.Resource<TurnName>();
        if (await record.FindConversationAsync(new(turn.Tenant, turn.Conversation.Conversation), context.CancellationToken) is { } conversation)
            restrictions.Require(context.Caller(), conversation);
        // No customer waits for a replay, and it can be asked for again: a stopping node ends it instead of waiting for it.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Begun);
        try
        {
            var verdict = await replay.Run(
                new(turn.Tenant, turn.Conversation.Conversation),
                turn.Index,
                context.DeadlineBy(time),
                (compared, recorded) => responseStream.WriteAsync(new() { Progress = new() { ComparedTokens = compared, RecordedTokens = recorded } }, ending.Token),
                ending.Token);
            await responseStream.WriteAsync(new() { Replay = verdict.ToWire() }, ending.Token);
        }
        catch (OperationCanceledException) when (drain.Begun.IsCancellationRequested)
        {
            throw Drain.Refused();
        }
    }

    [Asks<TurnName>(Permission.ReadTurns, "turn")]
    public override async Task<V1.InclusionProof> GetInclusionProof(V1.GetInclusionProofRequest request, ServerCallContext context)
    {
        var name = context.Resource<TurnName>();
        var key = new ConversationKey(name.Tenant, name.Conversation.Conversation);
        if (await record.FindTurnAsync(key, name.Index, context.CancellationToken) is not { } turn)
            throw await record.FindConversationAsync(key, context.CancellationToken) is null ? Refuse.Missing(key) : Refuse.MissingTurn(key, name.Index);
        if (turn is not { Closed: { } closed, ClosedReceipt: { } receipt })
            throw Refuse.InProgress(name.Index);
        if (await record.ProveInclusionAsync(key, receipt.Index, context.CancellationToken) is not { } proof)
            throw Refuse.Unproved(key, name.Index);
        return new()
        {
            Receipt = Views.Of(receipt, closed.Time).ToWire(),
            LeafIndex = proof.Leaf,
            Hashes = { proof.Hashes.Select(hash => ByteString.CopyFrom(hash.ToArray())) },
            Checkpoint = proof.Checkpoint.ToString(),
        };
    }

    /// <summary>A page token is of what was asked for first: it does not open for another question.</summary>
    private static string ListOf(string list, string asked, IMessage? filter = null) =>
        $"{list} {Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{asked.Length} {asked}"), .. filter?.ToByteArray() ?? []]))}";
}
