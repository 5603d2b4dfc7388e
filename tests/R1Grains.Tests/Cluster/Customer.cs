using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Tests.Gateway;
using R1Grains.V1;

namespace R1Grains.Tests.Cluster;

/// <summary>A client that holds several gateways and goes on at the next one when a stream breaks, as the contract advises.</summary>
internal sealed class Customer(IReadOnlyList<GrpcChannel> gateways, string conversation)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly SortedDictionary<long, string> _pieces = [];
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long? _last;
    private long? _heard;

    public string Conversation => conversation;

    public string Text => string.Concat(_pieces.Values);

    /// <summary>Streams that broke, refusals included.</summary>
    public List<StatusCode> Breaks { get; } = [];

    /// <summary>Between two pieces.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Between two events on one stream, whatever they say.</summary>
    public TimeSpan LongestSilence { get; private set; }

    public Completed? Completed { get; private set; }

    public Google.Rpc.Status? Failed { get; private set; }

    /// <summary>Completes with the first piece.</summary>
    public Task Begun => _begun.Task;

    public async Task Open()
    {
        await Again(async gateway => await new ConversationService.ConversationServiceClient(gateway).CreateConversationAsync(new()
        {
            Parent = "tenants/demo",
            ConversationId = conversation,
            RequestId = $"open-{conversation}",
            Conversation = new() { LanguageCode = "en" },
        }));
    }

    /// <summary>Asks, and reads the answer to its end, whatever breaks.</summary>
    public async Task Ask(string words)
    {
        int? turn = null;
        await Again(async gateway =>
        {
            var client = new TurnService.TurnServiceClient(gateway);
            using var call = turn is { } index
                ? client.ResumeTurn(new() { Turn = $"tenants/demo/conversations/{conversation}/turns/{index}", AfterSequence = _pieces.Keys.LastOrDefault() })
                : client.StreamTurn(Talk.Turn($"tenants/demo/conversations/{conversation}", $"ask-{words}", words));
            for (_heard = null; await call.ResponseStream.MoveNext(CancellationToken.None); _heard = Stopwatch.GetTimestamp())
            {
                if (_heard is { } heard && Stopwatch.GetElapsedTime(heard) is var silence && silence > LongestSilence) LongestSilence = silence;
                Take(call.ResponseStream.Current, ref turn);
            }
            return true;
        });
    }

    private void Take(TurnEvent happened, ref int? turn)
    {
        switch (happened.EventCase)
        {
            case TurnEvent.EventOneofCase.Accepted:
                turn = int.Parse(happened.Accepted.Turn.Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture);
                break;
            case TurnEvent.EventOneofCase.TextDelta:
                // No gap, no repeat.
                Assert.Equal(_pieces.Count + 1, happened.Sequence);
                _pieces.Add(happened.Sequence, happened.TextDelta);
                if (_last is { } last && Stopwatch.GetElapsedTime(last) is var pause && pause > LongestPause) LongestPause = pause;
                _last = Stopwatch.GetTimestamp();
                _begun.TrySetResult();
                break;
            case TurnEvent.EventOneofCase.Completed:
                Completed = happened.Completed;
                break;
            case TurnEvent.EventOneofCase.Failed:
                Failed = happened.Failed;
                break;
        }
    }

    private async Task Again<T>(Func<GrpcChannel, Task<T>> call)
    {
        var start = Stopwatch.GetTimestamp();
        for (var at = 0; ; at++)
        {
            try
            {
                await call(gateways[at % gateways.Count]).WaitAsync(Patience);
                return;
            }
            catch (RpcException broken) when (broken.StatusCode is StatusCode.Unavailable or StatusCode.Internal && Stopwatch.GetElapsedTime(start) < Patience)
            {
                Breaks.Add(broken.StatusCode);
                await Task.Delay(Pause, TimeProvider.System);
            }
        }
    }
}
