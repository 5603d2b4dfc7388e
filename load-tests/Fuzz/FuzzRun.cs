using System.Net;
using Grpc.Net.Client;
using R1Grains.V1;

namespace R1Grains.LoadTests.Fuzz;

/// <summary>Against one server, which has a conversation with a turn in it.</summary>
internal sealed class FuzzRun : IAsyncDisposable
{
    // Messages are about another one, and may do with it what they like.
    private const string Honest = "honest";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly FuzzedMessages _messages;
    private readonly GrpcChannel _channel;
    private readonly IPEndPoint _server;
    private int _deaths;

    private FuzzRun(string address)
    {
        (_messages, _channel) = (new(address), GrpcChannel.ForAddress(address));
        _server = IPEndPoint.Parse(new Uri(address).Authority);
    }

    /// <summary>How often something was the server's fault, or it was not there afterwards.</summary>
    public int Crashes => _messages.Faults + _deaths;

    /// <inheritdoc cref="FuzzedMessages.Blamed"/>
    public IReadOnlyCollection<string> Blamed => _messages.Blamed;

    public IReadOnlyDictionary<string, int> Statuses => _messages.Statuses;

    /// <param name="address">Of a server on loopback whose callers need no token.</param>
    public static async Task<FuzzRun> Begin(string address, CancellationToken cancellation)
    {
        var run = new FuzzRun(address);
        foreach (var id in new[] { FuzzedMessages.ConversationId, Honest })
        {
            await new ConversationService.ConversationServiceClient(run._channel).CreateConversationAsync(
                new() { Parent = "tenants/demo", ConversationId = id, RequestId = $"begin-{id}" }, cancellationToken: cancellation);
            await run.Ask(id, "begin", cancellation);
        }
        return run;
    }

    /// <summary>Returns when the server has answered an honest question afterwards.</summary>
    public async Task Go(int messages, int connections, int seed, CancellationToken cancellation)
    {
        await _messages.Send(messages, seed, cancellation);
        await FuzzedConnections.Open(_server, connections, seed, cancellation);
        try
        {
            await Ask(Honest, $"honest-{seed}", cancellation);
        }
        catch (Grpc.Core.RpcException)
        {
            _deaths++;
        }
    }

    public ValueTask DisposeAsync()
    {
        _messages.Dispose();
        _channel.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task Ask(string conversation, string requestId, CancellationToken cancellation) => await new TurnService.TurnServiceClient(_channel).SendTurnAsync(
        new() { Conversation = $"tenants/demo/conversations/{conversation}", RequestId = requestId, Input = new() { Text = "?" } }, deadline: (TimeProvider.System.GetUtcNow() + Patience).UtcDateTime, cancellationToken: cancellation);
}
