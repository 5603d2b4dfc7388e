using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Compliance;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>Where conversations are opened, read, watched and completed.</summary>
internal sealed class ConversationEndpoint(IGrainFactory grains, IRecord record, Restrictions restrictions, Readings readings, PageTokens pages, Drain drain)
    : V1.ConversationService.ConversationServiceBase
{
    private const string ConversationList = "conversations";
    private const int ChosenIdLength = 20;

    [Asks<TenantName>(Permission.CreateConversations, "parent")]
    public override async Task<V1.Conversation> CreateConversation(V1.CreateConversationRequest request, ServerCallContext context)
    {
        var (tenant, caller) = (context.Resource<TenantName>(), context.Caller());
        var wanted = request.ToNewConversation(caller);
        var name = new ConversationName(tenant.Tenant, request.ConversationId switch
        {
            "" => ChosenId(caller, wanted.RequestId),
            // Names are in logs, traces and addresses, and are read by people who may not know the customer.
            var number when !Guid.TryParse(number, out _) && PersonalData.Find(number).Length > 0 => throw Refuse.Field(Reason.InvalidName, "conversation_id", "conversation_id is a number that tells who the customer is: choose another, best a UUID, or leave it empty and the server chooses one"),
            var id when ResourceName.IsId(id) => id,
            var other => throw Refuse.Field(Reason.InvalidName, "conversation_id", $"conversation_id {Refuse.Quote(other)} is not 1 to 63 characters of a-z, 0-9 and '-' beginning with a letter or digit; leave it empty and the server chooses one"),
        });
        // Who opens it has just said whose it is.
        return (await Grain(name).Create(wanted, context.CancellationToken)).ToWire(isLifted: true);
    }

    [Asks<ConversationName>(Permission.ReadConversations, "name", Lifting = "lift_masks")]
    public override async Task<V1.Conversation> GetConversation(V1.GetConversationRequest request, ServerCallContext context)
    {
        var name = context.Resource<ConversationName>();
        var purpose = request.LiftMasks ? Purpose.Require(request.Purpose) : null;
        var view = await Grain(name).Get(context.CancellationToken);
        if (purpose is not null) await readings.Lifted(context.Caller(), name, purpose);
        return view.ToWire(purpose is not null);
    }

    [Asks<TenantName>(Permission.ReadConversations, "parent")]
    public override async Task<V1.ListConversationsResponse> ListConversations(V1.ListConversationsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var after = pages.Open(ConversationList, parent, caller, request.PageToken);
        var page = await PageTokens.Read(
            PageTokens.Size(request.PageSize),
            count => record.ListConversationsAsync(parent.Tenant, count, after, context.CancellationToken),
            conversation => Show(conversation, caller));
        return new()
        {
            Conversations = { page.Items },
            NextPageToken = pages.Seal(ConversationList, parent, caller, page.Next),
        };
    }

    [Asks<ConversationName>(Permission.CompleteConversations, "name")]
    public override async Task<V1.Conversation> CompleteConversation(V1.CompleteConversationRequest request, ServerCallContext context) =>
        (await Grain(context.Resource<ConversationName>()).Complete(RequestId.Parse(request.RequestId), context.Caller().Subject, context.CancellationToken)).ToWire();

    [Asks<ConversationName>(Permission.ReadContextWindows, "conversation")]
    public override async Task<V1.ContextWindow> GetContextWindow(V1.GetContextWindowRequest request, ServerCallContext context)
    {
        var name = context.Resource<ConversationName>();
        var window = await Grain(name).GetContextWindow(context.CancellationToken);
        return window.ToWire(name, withTexts: context.Caller().May(Permission.ReadFull));
    }

    [Asks<ConversationName>(Permission.WatchConversations, "conversation", IsStanding = true)]
    public override async Task WatchConversation(
        V1.WatchConversationRequest request, IServerStreamWriter<V1.ConversationEvent> responseStream, ServerCallContext context)
    {
        var name = context.Resource<ConversationName>();
        // A watch has no end of its own, so a stopping node ends it instead of waiting for it.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Begun);
        var language = Faults.LanguageOf(context);
        try
        {
            await foreach (var watched in Grain(name).Watch(ending.Token))
                await responseStream.WriteAsync(watched.ToWire(name, language), ending.Token);
        }
        catch (OperationCanceledException) when (drain.Begun.IsCancellationRequested)
        {
            throw Drain.Refused();
        }
    }

    private V1.Conversation Show(Ledger.Conversation conversation, Caller caller)
    {
        var wire = Views.Of(conversation).ToWire();
        wire.Restricted = restrictions.Covers(conversation);
        if (wire.Restricted && !caller.May(Permission.ReadRestricted))
        {
            wire.Customer = "";
            wire.Labels.Clear();
        }
        return wire;
    }

    /// <summary>A retry, and only a retry, must come to the same conversation: the id follows from who asked and the request's id.</summary>
    private static string ChosenId(Caller caller, string requestId) => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.UTF8.GetBytes($"{caller.Tenant}\n{caller.Subject}\n{requestId}")))[..ChosenIdLength];

    private IConversationGrain Grain(ConversationName name) => grains.GetGrain<IConversationGrain>(name.Key);
}
