using Grpc.Core;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>What a client says and hears, in the few words that tests need.</summary>
internal static class Talk
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<string> Open(this EmbeddedHost host, string id = "", string language = "en") =>
        (await host.Conversations.CreateConversationAsync(new()
        {
            Parent = "tenants/demo",
            ConversationId = id,
            RequestId = $"open-{id}",
            Conversation = new() { Channel = "test", LanguageCode = language },
        })).Name;

    public static StreamTurnRequest Turn(string conversation, string requestId, string text = "Hello") =>
        new() { Conversation = conversation, RequestId = requestId, Input = new() { Text = text } };

    public static AsyncServerStreamingCall<TurnEvent> Say(this EmbeddedHost host, string conversation, string requestId, string text = "Hello") =>
        host.Turns.StreamTurn(Turn(conversation, requestId, text));

    /// <summary>The next event, within patience.</summary>
    public static async Task<T> Next<T>(this AsyncServerStreamingCall<T> call)
    {
        using var patience = new CancellationTokenSource(Patience);
        Assert.True(await call.ResponseStream.MoveNext(patience.Token), "the stream has ended");
        return call.ResponseStream.Current;
    }

    /// <summary>The events to the end of the stream.</summary>
    public static async Task<IReadOnlyList<T>> Rest<T>(this AsyncServerStreamingCall<T> call)
    {
        using var patience = new CancellationTokenSource(Patience);
        var events = new List<T>();
        while (await call.ResponseStream.MoveNext(patience.Token))
            events.Add(call.ResponseStream.Current);
        return events;
    }

    public static string Text(this IEnumerable<TurnEvent> events) => string.Concat(events.Select(e => e.TextDelta));
}
