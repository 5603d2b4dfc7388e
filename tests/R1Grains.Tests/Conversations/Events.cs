using R1Grains.Conversations;
using R1Grains.Tests.Scripted;

namespace R1Grains.Tests.Conversations;

/// <summary>Ways to read a stream of events in bounded time.</summary>
internal static class Events
{
    public static async Task<List<TurnEvent>> All(this IAsyncEnumerable<TurnEvent> events)
    {
        using var impatience = new CancellationTokenSource(ScriptedSilo.Patience);
        var all = new List<TurnEvent>();
        await foreach (var happened in events.WithCancellation(impatience.Token)) all.Add(happened);
        return all;
    }

    public static async Task<RefusedException> Refused(this IAsyncEnumerable<TurnEvent> events) =>
        await Assert.ThrowsAsync<RefusedException>(() => events.All());

    public static string Text(this IEnumerable<TurnEvent> events) => string.Concat(events.OfType<TextReleased>().Select(text => text.Text));

    /// <summary>What is the same for every reader at any time.</summary>
    public static IEnumerable<(DateTimeOffset, string)> Essence(IEnumerable<TurnEvent> events) =>
        events.Where(happened => happened is not (Heartbeat or QueuePosition or ReasoningProgress)).Select(happened => (happened.Time, happened.ToString()));

    public static Reader Follow(this IAsyncEnumerable<TurnEvent> events) => new(events);

    /// <summary>Takes one event after another.</summary>
    internal sealed class Reader(IAsyncEnumerable<TurnEvent> events) : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<TurnEvent> _events = events.GetAsyncEnumerator();
        private readonly List<TurnEvent> _seen = [];

        public IReadOnlyList<TurnEvent> Seen => _seen;

        public async Task<T> Until<T>() where T : TurnEvent
        {
            while (await _events.MoveNextAsync().AsTask().WaitAsync(ScriptedSilo.Patience))
            {
                _seen.Add(_events.Current);
                if (_events.Current is T found) return found;
            }
            throw new InvalidOperationException($"The stream ended without {typeof(T).Name}: {string.Join(", ", _seen)}");
        }

        public async Task<List<TurnEvent>> Rest()
        {
            while (await _events.MoveNextAsync().AsTask().WaitAsync(ScriptedSilo.Patience)) _seen.Add(_events.Current);
            return _seen;
        }

        public ValueTask DisposeAsync() => _events.DisposeAsync();
    }
}
