using System.Diagnostics;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Cluster;

/// <summary>Visitors of a cluster with a paced model, who know what it must answer.</summary>
internal sealed class PacedLoad(Crowd crowd, Pace pace)
{
    public const string Visit = "visit", Slow = "slow", Steady = "steady";

    private const int Turns = 4;
    private static readonly TimeSpan Think = TimeSpan.FromSeconds(0.5);

    private int _unopened;

    /// <summary>Visitors who came to no conversation.</summary>
    public int Unopened => Volatile.Read(ref _unopened);

    /// <summary>Visits of several turns arrive by chance.</summary>
    /// <param name="rate">Turns a second.</param>
    public async Task Arrive(double rate, TimeSpan time, int seed, CancellationToken cancellation, string kind = Visit) =>
        await OpenLoop.RunAsync(rate / Turns, time.TotalSeconds, seed, async (number, due) =>
        {
            var random = new Random(HashCode.Combine(seed, number));
            if (await Open(cancellation) is not { } caller) return number;
            for (var turn = 1; turn <= Turns; turn++)
            {
                await Ask(kind, caller, turn, due, cancellation);
                var pause = Think * -Math.Log(1 - random.NextDouble());
                due = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);
                await Task.Delay(pause, TimeProvider.System, cancellation);
            }
            return number;
        }, cancellation);

    /// <summary>So many conversations that never pause, until the end is asked for; each finishes its turn.</summary>
    public async Task KeepBusy(int conversations, CancellationToken end, CancellationToken cancellation)
    {
        var callers = await crowd.Open(conversations, cancellation);
        await Task.WhenAll(callers.Select(caller => Task.Run(async () =>
        {
            for (var turn = 1; !end.IsCancellationRequested; turn++)
                await Ask(Steady, caller, turn, Stopwatch.GetTimestamp(), cancellation);
        }, cancellation)));
    }

    /// <summary>Null, and counted, where no server opened a conversation for as long as a visitor has patience.</summary>
    private async Task<Caller?> Open(CancellationToken cancellation)
    {
        try
        {
            return await crowd.Open(cancellation);
        }
        catch (TroubleException refused)
        {
            Interlocked.Increment(ref _unopened);
            Progress.Say($"a conversation was not opened: {refused.Message}");
            return null;
        }
    }

    private Task<SeenTurn> Ask(string kind, Caller caller, int turn, long due, CancellationToken cancellation)
    {
        var words = $"{caller.Conversation.Split('/')[^1]} says {turn}";
        return caller.Ask(kind, words, due, cancellation, pace.Answer(words));
    }
}
