using Google.Protobuf;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Gateway;

/// <summary>Where auditors ask about turns that have ended.</summary>
public sealed class TranscriptEndpoint(TurnReplay replay, IRecord record, Drain drain, TimeProvider time) : V1.TranscriptService.TranscriptServiceBase
{
    [Asks<TurnName>(Permission.ReplayTurns, "turn")]
    public override async Task ReplayTurn(V1.ReplayTurnRequest request, IServerStreamWriter<V1.ReplayEvent> responseStream, ServerCallContext context)
    {
        var turn = context.Resource<TurnName>();
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
}
