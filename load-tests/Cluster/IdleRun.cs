using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.LoadTests.Clients;
using R1Grains.V1;

namespace R1Grains.LoadTests.Cluster;

/// <summary>
/// Very many conversations in which nobody speaks, on three silos: what each takes, how long it takes to come back from
/// the record and its snapshot, and what becomes of them when a silo is lost.
/// </summary>
/// <param name="conversations">How many.</param>
internal sealed class IdleRun(ClusterPlan plan, int conversations, int seed, Figures figures)
{
    private const int AtOnce = 32;

    // Of conversations, at most. Snapshots are left by turns, so those that are timed have had one; those that warm up are not among them.
    private const int TimedMax = 1_000, WarmingMax = 4_000, TurningMax = 500, ComparedMax = 500;

    private const double ActivationsPerSecond = 50;

    private static readonly TimeSpan Settling = ConversationGrain.RestAfter + TimeSpan.FromSeconds(8);
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly RecordedConversations _recorded = new($"i{Guid.NewGuid():n}"[..9], plan.Pace);

    // Turns that each has by now.
    private readonly int[] _turns = [.. Enumerable.Repeat(RecordedConversations.Turns, conversations)];

    private IEnumerable<int> Timed => Enumerable.Range(0, Math.Min(TimedMax, conversations / 4));

    private IEnumerable<int> Warming => Enumerable.Range(Timed.Count(), Math.Min(WarmingMax, conversations / 4));

    private IEnumerable<int> Rest => Enumerable.Range(0, conversations).Skip(Timed.Count() + Warming.Count());

    public async Task MeasureAsync(CancellationToken cancellation)
    {
        await using var cluster = await LocalCluster.StartAsync(plan, cancellation);
        using var servers = new Servers(cluster.Gateways);
        await Record(cluster, cancellation);

        Progress.Say($"{Timed.Count():n0} of them take a turn and leave a snapshot; then every process starts anew");
        await Ask(servers, Timed, cancellation);
        await Task.WhenAll(cluster.Members.Select(member => member.Terminate()));
        foreach (var member in cluster.Members) await member.Start(cancellation);

        Progress.Say("warming up");
        await Each(Warming, null, number => Get(servers, number, cancellation), cancellation);
        await Ask(servers, Warming.Take(TurningMax), cancellation);
        await Task.Delay(Settling, TimeProvider.System, cancellation);
        var before = await Memory(cluster);

        await Activate(servers, cancellation);
        await Task.Delay(Settling, TimeProvider.System, cancellation);
        var quiet = await Memory(cluster);
        var bytes = Judge(before, quiet);

        var turning = Rest.Take(TurningMax).ToArray();
        Progress.Say($"{turning.Length:n0} of them take a turn, and are quiet again");
        await Ask(servers, turning, cancellation);
        await Task.Delay(Settling, TimeProvider.System, cancellation);
        figures.Add("idle_grain_bytes_after_turn", bytes + ((await Memory(cluster)).ManagedBytes - quiet.ManagedBytes) / (double)turning.Length);

        await LoseSilo(cluster, servers, cancellation);
    }

    /// <summary>Three turns each, in group commits.</summary>
    private async Task Record(LocalCluster cluster, CancellationToken cancellation)
    {
        var marks = Directory.CreateTempSubdirectory("r1grains-marks-");
        try
        {
            await using var keys = await cluster.OpenKeys();
            await using var record = await PostgresRecord.OpenAsync(plan.Connections["Postgres"], new FileRecordMarks(marks.FullName), keys: keys, cancellation: cancellation);
            await _recorded.Write(record, plan.Connections["Postgres"], conversations, cancellation);
        }
        finally
        {
            marks.Delete(recursive: true);
        }
    }

    private async Task Activate(Servers servers, CancellationToken cancellation)
    {
        var timed = Timed.ToArray();
        Progress.Say($"{timed.Length:n0} activations at {ActivationsPerSecond:0} a second");
        var (times, _) = await OpenLoop.RunAsync(ActivationsPerSecond, timed.Length / ActivationsPerSecond, seed, async (number, due) =>
        {
            // Chance may want one more or less than there are.
            if (number >= timed.Length) return double.NaN;
            await Get(servers, timed[number], cancellation);
            return Stopwatch.GetElapsedTime(due).TotalMilliseconds;
        }, cancellation);
        List<double> told = [.. times.Where(double.IsFinite)];
        figures.Add("activation_ms_p50", told.Median());
        figures.Add("activation_ms_p99", told.Quantile(0.99));

        var began = Stopwatch.GetTimestamp();
        await Each(Rest.Concat(timed.Skip(told.Count)), "conversations activated", number => Get(servers, number, cancellation), cancellation);
        figures.Add("activations_per_second", Rest.Count() / Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    /// <returns>The managed bytes of each.</returns>
    private double Judge(SiloMemory before, SiloMemory after)
    {
        var count = after.Conversations - before.Conversations;
        figures.Add("idle_conversations", after.Conversations);
        figures.Add("idle_grain_managed_bytes", (after.ManagedBytes - before.ManagedBytes) / (double)count);
        figures.Add("idle_grain_resident_bytes", (after.ResidentBytes - before.ResidentBytes) / (double)count);
        figures.Add("idle_grain_bytes", Math.Max(after.ManagedBytes - before.ManagedBytes, after.ResidentBytes - before.ResidentBytes) / (double)count);
        figures.Add("idle_silos_rss_mib", after.ResidentBytes / (double)(1 << 20));
        return (after.ManagedBytes - before.ManagedBytes) / (double)count;
    }

    /// <summary>Every conversation is asked for again, as often as it takes, from the moment on at which its silo may be gone.</summary>
    private async Task LoseSilo(LocalCluster cluster, Servers servers, CancellationToken cancellation)
    {
        var lost = cluster.Members[^1];
        var activations = (await lost.Memory()).Conversations;
        Progress.Say($"{lost.Plan.Name} is killed, and {activations:n0} conversations with it");
        using var others = new Servers([.. cluster.Gateways.Where(gateway => gateway != lost.Address)]);
        await lost.Kill();

        var (began, unanswered, waits) = (Stopwatch.GetTimestamp(), new ConcurrentQueue<int>(), new ConcurrentQueue<double>());
        var all = Enumerable.Range(0, conversations).ToArray();
        new Random(seed).Shuffle(all);
        await Each(all, "conversations answered again", async number =>
        {
            var asked = Stopwatch.GetTimestamp();
            if (!await Answers(others, number, cancellation)) unanswered.Enqueue(number);
            waits.Enqueue(Stopwatch.GetElapsedTime(asked).TotalSeconds);
        }, cancellation);
        figures.Add("silo_loss_conversations", activations);
        figures.Add("silo_loss_recovered_s", Stopwatch.GetElapsedTime(began).TotalSeconds);
        figures.Add("silo_loss_longest_wait_s", waits.Max());
        foreach (var number in unanswered.Take(10)) Progress.Say($"{_recorded.Name(number)} does not answer as recorded");
        figures.Add("silo_loss_conversations_lost", unanswered.Count);

        var sample = all.Take(ComparedMax).ToArray();
        var changed = new ConcurrentQueue<string>();
        await Each(sample, "compared turn by turn, with another turn", async number =>
        {
            foreach (var defect in await Compare(others, number, cancellation)) changed.Enqueue(defect);
        }, cancellation);
        foreach (var defect in changed.Take(10)) Progress.Say(defect);
        figures.Add("silo_loss_turns_lost", changed.Count);
    }

    /// <summary>Whether it answers in time, with the turns that it had.</summary>
    private async Task<bool> Answers(Servers servers, int number, CancellationToken cancellation)
    {
        for (var (began, at) = (Stopwatch.GetTimestamp(), number); Stopwatch.GetElapsedTime(began) < Patience; at++)
        {
            try
            {
                return (await Get(servers, number, cancellation, at)).TurnCount == _turns[number];
            }
            catch (RpcException exception) when (!cancellation.IsCancellationRequested && Trouble.Of(exception).IsTransient)
            {
                await Task.Delay(RetryPause, TimeProvider.System, cancellation);
            }
        }
        return false;
    }

    /// <summary>What was said is still said, and the next turn is the next one.</summary>
    /// <returns>What is wrong.</returns>
    private async Task<IReadOnlyList<string>> Compare(Servers servers, int number, CancellationToken cancellation)
    {
        var name = _recorded.Name(number);
        await Ask(servers, [number], cancellation);
        var turns = (await servers.Turns(number, token: null).ListTurnsAsync(new() { Parent = name, PageSize = 50 }, cancellationToken: cancellation)).Turns;
        List<string> wrong = [.. turns.Where(turn => turn.Input.Text != _recorded.Input(number, turn.Index) || turn.Output != _recorded.Answer(number, turn.Index)).Select(turn => $"{turn.Name} says something else now")];
        if (turns.Count != _turns[number]) wrong.Add($"{name} has {turns.Count} turns, and should have {_turns[number]}");
        return wrong;
    }

    /// <summary>One more turn in each, to its end.</summary>
    private async Task Ask(Servers servers, IEnumerable<int> numbers, CancellationToken cancellation)
    {
        var witness = new Witness();
        await Each(numbers, null, async number =>
        {
            var turn = _turns[number] + 1;
            var client = new TurnClient(servers, token: null, new(Patience, ObeysAdvice: true), number);
            var seen = await client.Ask(witness.Expect(new("idle", _recorded.Name(number), $"turn-{turn}", _recorded.Input(number, turn), _recorded.Answer(number, turn)), Stopwatch.GetTimestamp()), cancellation);
            if (seen.End is not SeenEnd.Completed || seen.Index != turn)
                throw new TroubleException(Trouble.Broken(seen.Reason ?? "NOT_COMPLETED", $"turn {turn} of {_recorded.Name(number)} was not completed as such"));
            _turns[number] = turn;
        }, cancellation);
    }

    private async Task<V1.Conversation> Get(Servers servers, int number, CancellationToken cancellation, int? at = null) =>
        await servers.Conversations(at ?? number, token: null).GetConversationAsync(
            new() { Name = _recorded.Name(number) }, deadline: TimeProvider.System.GetUtcNow().UtcDateTime + CallPatience, cancellationToken: cancellation);

    private static async Task<SiloMemory> Memory(LocalCluster cluster)
    {
        var memory = await cluster.Members[0].Memory();
        foreach (var member in cluster.Members.Skip(1)) memory += await member.Memory();
        Progress.Say($"{memory.Conversations:n0} activations; managed {memory.ManagedBytes >> 20:n0} MiB, resident {memory.ResidentBytes >> 20:n0} MiB");
        return memory;
    }

    private static async Task Each(IEnumerable<int> numbers, string? what, Func<int, Task> act, CancellationToken cancellation)
    {
        var all = numbers.ToArray();
        var bar = what is null ? null : new ProgressBar(what, all.Length);
        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (number, _) =>
        {
            await act(number);
            bar?.Advance();
        });
    }
}
