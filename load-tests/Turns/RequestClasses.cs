using System.Diagnostics;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Turns;

/// <summary>A kind of request that is measured by itself.</summary>
internal abstract class RequestClass(string name, double rate, string what)
{
    public string Name => name;

    /// <summary>Turns a second, where nobody says otherwise.</summary>
    public double Rate => rate;

    /// <summary>For the report.</summary>
    public string What => what;

    /// <summary>Turns of one arrival.</summary>
    public virtual int TurnsEach => 1;

    /// <summary>How long an arrival goes on asking, on average.</summary>
    public virtual TimeSpan Lasts => TimeSpan.Zero;

    /// <summary>Does beforehand what is not to be measured.</summary>
    public abstract Task Prepare(Crowd crowd, int arrivals, CancellationToken cancellation);

    /// <param name="number">Of the arrival, from 0.</param>
    public abstract Task Arrive(int number, long due, CancellationToken cancellation);
}

/// <summary>The same request once more, of a turn that has ended: answered from the record.</summary>
internal sealed class Replays() : RequestClass("replay", 50, "the same request_id again, of a turn that has ended: answered from the record")
{
    private const int Turns = 16;
    private IReadOnlyList<(Caller Caller, Question Question)> _ended = [];

    public override async Task Prepare(Crowd crowd, int arrivals, CancellationToken cancellation)
    {
        if (_ended.Count > 0) return;
        var callers = await crowd.Open(Turns, cancellation);
        var first = await Task.WhenAll(callers.Select((caller, number) => caller.Ask("first", Wording.Retrieval(number), Stopwatch.GetTimestamp(), cancellation)));
        _ended = [.. callers.Zip(first).Where(pair => pair.Second.End is SeenEnd.Completed).Select(pair => (pair.First, pair.Second.Question with { Class = Name }))];
        if (_ended.Count == 0) throw new InvalidOperationException($"No turn ended that could be asked for again: {first[0].Reason}.");
    }

    public override Task Arrive(int number, long due, CancellationToken cancellation)
    {
        var (caller, question) = _ended[number % _ended.Count];
        return caller.Ask(question, due, cancellation);
    }
}

/// <summary>One turn in a conversation of its own.</summary>
internal sealed class SingleTurns(string name, double rate, string what, Func<int, string> words) : RequestClass(name, rate, what)
{
    private Caller[] _callers = [];
    private int _asked;

    public override async Task Prepare(Crowd crowd, int arrivals, CancellationToken cancellation) => _callers = await crowd.Open(arrivals, cancellation);

    public override Task Arrive(int number, long due, CancellationToken cancellation) =>
        _callers[number].Ask(Name, words(Interlocked.Increment(ref _asked)), due, cancellation);
}

/// <summary>Visitors that come by chance, say one thing after the other, and think in between.</summary>
/// <param name="think">Mean of the exponential time between an answer's end and the next turn.</param>
internal sealed class Visits(int turns, TimeSpan think) : RequestClass("conversation", 3, $"visits of {turns} turns with {think.TotalSeconds:0.#} s to think on average; a turn is due when its visitor has thought")
{
    private Caller[] _callers = [];
    private int _visits;

    public override int TurnsEach => turns;

    public override TimeSpan Lasts => (turns - 1) * think;

    public override async Task Prepare(Crowd crowd, int arrivals, CancellationToken cancellation) => _callers = await crowd.Open(arrivals, cancellation);

    public override async Task Arrive(int number, long due, CancellationToken cancellation)
    {
        var visit = Interlocked.Increment(ref _visits);
        var random = new Random(visit);
        for (var turn = 0; turn < turns; turn++)
        {
            if (turn > 0)
            {
                var pause = think * -Math.Log(1 - random.NextDouble());
                due = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);
                await Task.Delay(pause, TimeProvider.System, cancellation);
            }
            await _callers[number].Ask(Name, Wording.Visit(visit, turn), due, cancellation);
        }
    }
}
