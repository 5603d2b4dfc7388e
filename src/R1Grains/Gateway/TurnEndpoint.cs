using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>
/// Where turns enter. A call that breaks does not cancel its turn. Response headers go out with the first event, so
/// whatever is refused before reaches the client as a call without headers, which its retry policy may repeat.
/// </summary>
internal sealed class TurnEndpoint(IGrainFactory grains, IRecord record, Readings readings, Restrictions restrictions, PageTokens pages, TokenCount tokens, Drain drain, TimeProvider time)
    : V1.TurnService.TurnServiceBase
{
    private const string TurnList = "turns";

    [Asks<ConversationName>(Permission.SendTurns, "conversation")]
    public override Task<V1.Turn> SendTurn(V1.SendTurnRequest request, ServerCallContext context) => drain.Serve(context.CancellationToken, async ending =>
    {
        var (conversation, turn) = Read(request.ToStreamTurn(), context);
        var index = 0;
        await foreach (var turnEvent in tokens.Of(context.Caller(), conversation, token => Follow(conversation).Stream(turn, token), ending))
            if (turnEvent is Accepted accepted)
                index = accepted.Turn;
        return (await Grain(conversation).GetTurn(index, ending)).ToWire(conversation, Faults.LanguageOf(context));
    });

    [Asks<ConversationName>(Permission.SendTurns, "conversation")]
    public override Task StreamTurn(V1.StreamTurnRequest request, IServerStreamWriter<V1.TurnEvent> responseStream, ServerCallContext context) => drain.Serve(context.CancellationToken, async ending =>
    {
        var (conversation, turn) = Read(request, context);
        return await Write(tokens.Of(context.Caller(), conversation, token => Follow(conversation).Stream(turn, token), ending), conversation, responseStream, context, ending);
    });

    [Asks<TurnName>(Permission.ReadTurns, "turn")]
    public override Task ResumeTurn(V1.ResumeTurnRequest request, IServerStreamWriter<V1.TurnEvent> responseStream, ServerCallContext context) => drain.Serve(context.CancellationToken, async ending =>
    {
        var turn = context.Resource<TurnName>();
        if (request.AfterSequence < 0)
            throw Refuse.Field(Reason.SequenceOutOfRange, "after_sequence", $"after_sequence {request.AfterSequence} is negative: send the sequence of the last text_delta you have, or 0");
        return await Write(Follow(turn.Conversation).Resume(turn.Index, request.AfterSequence, ending), turn.Conversation, responseStream, context, ending);
    });

    [Asks<TurnName>(Permission.ReadTurns, "name", Lifting = "lift_masks")]
    public override async Task<V1.Turn> GetTurn(V1.GetTurnRequest request, ServerCallContext context)
    {
        var turn = context.Resource<TurnName>();
        var purpose = request.LiftMasks ? Purpose.Require(request.Purpose) : null;
        var view = await Grain(turn.Conversation).GetTurn(turn.Index, context.CancellationToken);
        if (purpose is not null) await readings.Lifted(context.Caller(), turn, purpose);
        return view.ToWire(turn.Conversation, Faults.LanguageOf(context), purpose is not null);
    }

    [Asks<ConversationName>(Permission.ReadTurns, "parent", Lifting = "lift_masks")]
    public override async Task<V1.ListTurnsResponse> ListTurns(V1.ListTurnsRequest request, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<ConversationName>(), context.Caller());
        var purpose = request.LiftMasks ? Purpose.Require(request.Purpose) : null;
        var key = new ConversationKey(parent.Tenant, parent.Conversation);
        var size = PageTokens.Size(request.PageSize);
        var after = pages.Open(TurnList, parent, caller, request.PageToken);

        var conversation = await record.FindConversationAsync(key, context.CancellationToken)
            ?? throw new RefusedException(new(Reason.ConversationNotFound, $"{parent} does not exist"));
        restrictions.Require(caller, conversation);
        var language = Faults.LanguageOf(context) ?? conversation.Opened.LanguageCode;
        var page = await PageTokens.Read(
            size, count => record.ListTurnsAsync(key, count, after, context.CancellationToken), turn => Views.Of(turn).ToWire(parent, language, purpose is not null));
        if (purpose is not null) await readings.Lifted(caller, parent, purpose, page.Items.Select(turn => turn.Index));
        return new()
        {
            Turns = { page.Items },
            NextPageToken = pages.Seal(TurnList, parent, caller, page.Next),
        };
    }

    [Asks<TurnName>(Permission.CancelTurns, "name")]
    public override async Task<V1.Turn> CancelTurn(V1.CancelTurnRequest request, ServerCallContext context)
    {
        var turn = context.Resource<TurnName>();
        // Asked for as on every change, though cancelling twice is cancelling once.
        RequestId.Parse(request.RequestId);
        var view = await Grain(turn.Conversation).CancelTurn(turn.Index, context.Caller().Subject, context.CancellationToken);
        return view.ToWire(turn.Conversation, Faults.LanguageOf(context));
    }

    private (ConversationName, UserTurn) Read(V1.StreamTurnRequest request, ServerCallContext context)
    {
        var conversation = context.Resource<ConversationName>();
        return (conversation, request.ToUserTurn(conversation, context.Caller(), context.DeadlineBy(time)));
    }

    /// <returns>How many events were written.</returns>
    private static async Task<int> Write(
        IAsyncEnumerable<TurnEvent> events, ConversationName conversation, IServerStreamWriter<V1.TurnEvent> stream, ServerCallContext context, CancellationToken ending)
    {
        var language = Faults.LanguageOf(context);
        var written = 0;
        await foreach (var turnEvent in events)
        {
            await stream.WriteAsync(turnEvent.ToWire(conversation, language), ending);
            written++;
        }
        return written;
    }

    private FollowedTurn Follow(ConversationName conversation) => new(Grain(conversation), time);

    private IConversationGrain Grain(ConversationName conversation) => grains.GetGrain<IConversationGrain>(conversation.Key);
}
