using Grpc.Core;
using R1Grains.LoadTests.Clients;
using R1Grains.V1;

namespace R1Grains.LoadTests.Checks;

/// <summary>The record as auditors read it: the list of turns, and each turn's pieces from its first.</summary>
/// <param name="tokens">By tenant; null for none.</param>
internal sealed class WireRecord(Servers servers, IReadOnlyDictionary<string, string?> tokens) : IRecordedTurns
{
    private const int PageSize = 200;

    /// <summary>An open turn is read for so long; what was released of it until now comes at once.</summary>
    private static readonly TimeSpan OpenRead = TimeSpan.FromSeconds(2);

    public async Task<IReadOnlyList<RecordedTurn>> Of(string conversation, CancellationToken cancellation)
    {
        var client = servers.Turns(0, tokens[conversation.Split('/')[1]]);
        var turns = new List<RecordedTurn>();
        for (var page = ""; ;)
        {
            var answer = await client.ListTurnsAsync(new() { Parent = conversation, PageSize = PageSize, PageToken = page }, cancellationToken: cancellation);
            foreach (var turn in answer.Turns) turns.Add(Of(conversation, turn, await Pieces(client, turn, cancellation)));
            if (answer.NextPageToken is "") return turns;
            page = answer.NextPageToken;
        }
    }

    private static async Task<IReadOnlyList<string>> Pieces(TurnService.TurnServiceClient client, Turn turn, CancellationToken cancellation)
    {
        var pieces = new List<string>();
        var isOpen = turn.State is Turn.Types.State.Queued or Turn.Types.State.Running;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (isOpen) enough.CancelAfter(OpenRead);
        try
        {
            using var call = client.ResumeTurn(new() { Turn = turn.Name }, cancellationToken: enough.Token);
            while (await call.ResponseStream.MoveNext(enough.Token))
                if (call.ResponseStream.Current.EventCase is TurnEvent.EventOneofCase.TextDelta) pieces.Add(call.ResponseStream.Current.TextDelta);
        }
        catch (RpcException) when (isOpen && enough.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
        }
        // Where the two disagree the list counts: a conversation's own desk may be what is wrong.
        return isOpen || string.Concat(pieces) == turn.Output ? pieces : [turn.Output];
    }

    private static RecordedTurn Of(string conversation, Turn turn, IReadOnlyList<string> pieces) => new(
        conversation,
        turn.Index,
        turn.RequestId,
        pieces,
        turn.State switch
        {
            Turn.Types.State.Completed => RecordedEnd.Completed,
            Turn.Types.State.Cancelled => RecordedEnd.Cancelled,
            Turn.Types.State.Blocked => RecordedEnd.Blocked,
            Turn.Types.State.Interrupted => RecordedEnd.Interrupted,
            Turn.Types.State.Failed => RecordedEnd.Failed,
            _ => RecordedEnd.Open,
        },
        turn.CreateTime.ToDateTimeOffset(),
        FirstText: turn.FirstTextTime?.ToDateTimeOffset(),
        Closed: turn.EndTime?.ToDateTimeOffset());
}
