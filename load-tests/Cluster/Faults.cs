using System.Diagnostics;
using R1Grains.Operations;

namespace R1Grains.LoadTests.Cluster;

/// <summary>One fault that was done to the cluster.</summary>
/// <param name="Kind">kill, freeze, terminate, or the name of a server with -restart or -away.</param>
/// <param name="At">The same moment as <paramref name="Time"/>, a timestamp.</param>
internal sealed record Fault(string Kind, string Target, DateTimeOffset Time, long At)
{
    /// <summary>Everybody said SERVING again, and when.</summary>
    public DateTimeOffset? Mended { get; set; }

    public string? Failure { get; set; }
}

/// <summary>Does one fault at a time: each kind to each target in turn, then at random.</summary>
/// <param name="isAnswering">Whether some client has a part of an answer and waits for the rest.</param>
internal sealed class Faults(LocalCluster cluster, IReadOnlyList<IBackingServer> backing, IReadOnlyList<string> kinds, Func<bool> isAnswering, int seed)
{
    public const string Kill = "kill", Freeze = "freeze", Terminate = "terminate";

    public static readonly IReadOnlyList<string> OfProcesses = [Kill, Freeze, Terminate];

    /// <summary>Of servers that were started for the run.</summary>
    public static readonly IReadOnlyList<string> OfServers = ["postgres-restart", "postgres-away", "redis-restart", "redis-away"];

    private static readonly TimeSpan FrozenFor = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LearnPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AwayFor = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan MendPatience = TimeSpan.FromSeconds(120);

    // Between a mended fault and the next: time for answers to get under way.
    private static readonly TimeSpan QuietMin = TimeSpan.FromSeconds(2), QuietMax = TimeSpan.FromSeconds(5);

    // A fault that finds no answer under way proves little; but none is kept waiting for long.
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(15), Look = TimeSpan.FromMilliseconds(50);

    private readonly List<Fault> _done = [];
    private readonly Random _random = new(seed);

    public IReadOnlyList<Fault> Done => _done;

    /// <summary>Processes that ended though nobody did anything to them.</summary>
    public int FalseDeaths { get; private set; }

    /// <summary>Faults until the time is over; the last one is mended before it returns.</summary>
    public async Task RunAsync(TimeSpan time, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        var each = All();
        for (var number = 0; Stopwatch.GetElapsedTime(began) < time; number++)
        {
            await Task.Delay(QuietMin + _random.NextDouble() * (QuietMax - QuietMin), TimeProvider.System, cancellation);
            await ReviveTheDead(cancellation);
            for (var waited = TimeSpan.Zero; waited < AnswerPatience && !isAnswering(); waited += Look) await Task.Delay(Look, TimeProvider.System, cancellation);
            var (kind, target, strike) = number < each.Count ? each[number] : each[_random.Next(each.Count)];
            var fault = new Fault(kind, target, TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
            _done.Add(fault);
            try
            {
                await strike(cancellation);
                foreach (var member in cluster.Members) await member.UntilServing(cancellation).WaitAsync(MendPatience, TimeProvider.System, cancellation);
                fault.Mended = TimeProvider.System.GetUtcNow();
                Progress.Say($"{kind} {target}: mended after {(fault.Mended - fault.Time)?.TotalSeconds:0.0} s");
            }
            catch (Exception failure) when (failure is TimeoutException or StartFailure)
            {
                fault.Failure = failure.Message;
                Progress.Say($"{kind} {target}: not mended: {failure.Message}");
            }
        }
        await ReviveTheDead(cancellation);
    }

    private List<(string Kind, string Target, Func<CancellationToken, Task> Strike)> All() =>
    [
        .. from kind in kinds.Where(OfProcesses.Contains)
           from member in cluster.Members
           select (kind, member.Plan.Name, (Func<CancellationToken, Task>)(cancellation => Strike(kind, member, cancellation))),
        .. from server in backing
           from kind in new[] { (Name: $"{server.Name.ToLowerInvariant()}-restart", Away: TimeSpan.Zero), (Name: $"{server.Name.ToLowerInvariant()}-away", Away: AwayFor) }
           where kinds.Contains(kind.Name)
           select (kind.Name, server.Name, (Func<CancellationToken, Task>)(cancellation => Strike(server, kind.Away, cancellation))),
    ];

    private static async Task Strike(string kind, Member member, CancellationToken cancellation)
    {
        switch (kind)
        {
            case Kill:
                await member.Kill();
                break;
            case Terminate:
                await member.Terminate();
                break;
            case Freeze:
                member.Freeze();
                try
                {
                    await Task.Delay(FrozenFor, TimeProvider.System, cancellation);
                }
                finally
                {
                    member.Thaw();
                }
                // Whom the others declared dead ends when it learns of it, from Redis at the latest.
                for (var waited = TimeSpan.Zero; waited < LearnPatience && !member.HasExited; waited += Look) await Task.Delay(Look, TimeProvider.System, cancellation);
                break;
        }
        if (member.HasExited) await member.Start(cancellation);
    }

    private static async Task Strike(IBackingServer server, TimeSpan away, CancellationToken cancellation)
    {
        await server.Stop();
        await Task.Delay(away, TimeProvider.System, cancellation);
        await server.Start();
    }

    private async Task ReviveTheDead(CancellationToken cancellation)
    {
        foreach (var member in cluster.Members.Where(member => member.HasExited))
        {
            if (_done.LastOrDefault()?.Failure is null) FalseDeaths++;
            Progress.Say($"{member.Plan.Name} has ended:\n{string.Join('\n', member.Lines)}");
            await member.Start(cancellation);
        }
    }
}
