using System.Diagnostics;
using R1Grains.Operations;

namespace R1Grains.LoadTests.Cluster;

/// <summary>One fault that was done to the cluster.</summary>
/// <param name="Role">Of the process, as in R1__Roles; of anything else its name.</param>
/// <param name="At">The same moment as <paramref name="Time"/>, a timestamp.</param>
internal sealed record Fault(string Kind, string Target, string Role, DateTimeOffset Time, long At)
{
    /// <summary>Everybody said SERVING again, and when.</summary>
    public DateTimeOffset? Mended { get; set; }

    public string? Failure { get; set; }
}

/// <summary>A fault that can be done, and undone: what was stopped is started again.</summary>
/// <param name="Prepare">What has to be there before; nothing of it is felt.</param>
internal sealed record PossibleFault(string Kind, string Target, Func<CancellationToken, Task> Strike, Func<CancellationToken, Task>? Prepare = null, string? Role = null);

/// <summary>Does one fault at a time: each possible one once, in an order of chance, then kinds and targets at random.</summary>
/// <param name="others">What can be done beside the faults of processes.</param>
/// <param name="kinds">Of all that is possible.</param>
/// <param name="isAnswering">Whether some client has a part of an answer and waits for the rest.</param>
internal sealed class Faults(LocalCluster cluster, IReadOnlyList<PossibleFault> others, IReadOnlyList<string> kinds, Func<bool> isAnswering, int seed)
{
    public const string Kill = "kill", Freeze = "freeze", Terminate = "terminate", ClockForward = "clock-forward", ClockBack = "clock-back";
    public const string PostgresRestart = "postgres-restart", PostgresAway = "postgres-away", PostgresPromote = "postgres-promote", PostgresCut = "postgres-cut";
    public const string RedisRestart = "redis-restart", RedisAway = "redis-away", RedisCut = "redis-cut";
    public const string ClientsCut = "clients-cut";

    public static readonly IReadOnlyList<string> OfProcesses = [Kill, Freeze, Terminate, ClockForward, ClockBack];

    /// <summary>Of servers that were started for the run.</summary>
    public static readonly IReadOnlyList<string> OfServers = [PostgresRestart, PostgresAway, PostgresPromote, PostgresCut, RedisRestart, RedisAway, RedisCut];

    public static readonly IReadOnlyList<string> All = [.. OfProcesses, .. OfServers, ClientsCut];

    /// <summary>Its place in <see cref="All"/>.</summary>
    public static int Rank(string kind) => All.TakeWhile(known => known != kind).Count();

    // Longer than the others take to declare it dead, and than a client may wait.
    private static readonly TimeSpan FrozenFor = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LearnPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ClockJump = TimeSpan.FromHours(1), ClockOffFor = TimeSpan.FromSeconds(6);
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
        PossibleFault[] each = [.. Possible().Where(possible => kinds.Contains(possible.Kind))];
        var once = each.ToArray();
        _random.Shuffle(once);
        for (var number = 0; Stopwatch.GetElapsedTime(began) < time; number++)
        {
            await Task.Delay(QuietMin + _random.NextDouble() * (QuietMax - QuietMin), TimeProvider.System, cancellation);
            await ReviveTheDead(cancellation);
            var next = number < once.Length ? once[number] : AnyOf(each);
            if (next.Prepare is { } prepare) await prepare(cancellation);
            for (var waited = TimeSpan.Zero; waited < AnswerPatience && !isAnswering(); waited += Look) await Task.Delay(Look, TimeProvider.System, cancellation);
            await Do(next, cancellation);
        }
        await ReviveTheDead(cancellation);
    }

    private async Task Do(PossibleFault possible, CancellationToken cancellation)
    {
        var fault = new Fault(possible.Kind, possible.Target, possible.Role ?? possible.Target, TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        _done.Add(fault);
        try
        {
            await possible.Strike(cancellation);
            foreach (var member in cluster.Members.Where(member => !member.HasExited)) await member.UntilServing(cancellation).WaitAsync(MendPatience, TimeProvider.System, cancellation);
            fault.Mended = TimeProvider.System.GetUtcNow();
            Progress.Say($"{fault.Kind} {fault.Target}: mended after {(fault.Mended - fault.Time)?.TotalSeconds:0.0} s");
        }
        catch (Exception failure) when (failure is TimeoutException or StartFailure)
        {
            fault.Failure = failure.Message;
            Progress.Say($"{fault.Kind} {fault.Target}: not mended: {failure.Message}");
        }
    }

    /// <summary>Every kind as often as any other, however many targets it has.</summary>
    private PossibleFault AnyOf(PossibleFault[] each)
    {
        var ofKinds = each.ToLookup(possible => possible.Kind);
        PossibleFault[] ofKind = [.. ofKinds.ElementAt(_random.Next(ofKinds.Count))];
        return ofKind[_random.Next(ofKind.Length)];
    }

    private IEnumerable<PossibleFault> Possible() =>
    [
        .. from kind in OfProcesses
           from member in cluster.Members
           select new PossibleFault(kind, member.Plan.Name, cancellation => Strike(kind, member, cancellation), Role: member.Plan.Roles),
        .. others,
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
                await During(FrozenFor, member.Freeze, member.Thaw, cancellation);
                // Whom the others declared dead ends when it learns of it, from Redis at the latest.
                for (var waited = TimeSpan.Zero; waited < LearnPatience && !member.HasExited; waited += Look) await Task.Delay(Look, TimeProvider.System, cancellation);
                break;
            case ClockForward or ClockBack:
                await During(ClockOffFor, () => member.Clock.Set(kind is ClockForward ? ClockJump : -ClockJump), () => member.Clock.Set(TimeSpan.Zero), cancellation);
                // A clock ends nobody, so whoever has ended is told by the next look.
                return;
        }
        if (member.HasExited) await member.Start(cancellation);
    }

    private static async Task During(TimeSpan time, Action begin, Action end, CancellationToken cancellation)
    {
        begin();
        try
        {
            await Task.Delay(time, TimeProvider.System, cancellation);
        }
        finally
        {
            end();
        }
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
