using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace R1Grains.LoadTests.Cluster;

/// <summary>What a cluster keeps while its processes are killed, frozen and stopped, and what it costs.</summary>
internal static class ClusterBenchmark
{
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    // As large as it has to be for the load to fit while one of each is missing.
    private const string Members = "gateway,gateway,conversation,conversation,inference,inference,inference,inference,inference,inference";

    private const string About = """
        A cluster of processes on this machine, with a model whose answers are known beforehand and come at a pace. Clients talk to it without a pause, some of them slowly, while one fault after the other is done: a process is killed, frozen, asked to stop, or gets another time; PostgreSQL and Redis restart, are away, or a standby is promoted; connections are cut. First each fault once on each target, then at random. Afterwards everything that the clients saw is compared with the record.
        Exit code 1: something was lost, repeated or not recorded, or a gate was missed.

        Examples:
          load-tests cluster --embedded --seconds 120                 one process with a record of its own, killed and stopped again and again
          load-tests cluster --json cluster.json --out report         ten processes, with a PostgreSQL and a Redis started for the run
          load-tests cluster --postgres 'Host=127.0.0.1;Username=r1;Database=r1' --redis 127.0.0.1:6379
          load-tests cluster --embedded --only saturation             tokens a second, and processor time per token
          load-tests cluster --only idle                              100,000 quiet conversations: memory of each, and the loss of a silo; a quarter of an hour
        """;

    public static Command Command()
    {
        var embedded = new Option<bool>("--embedded") { Description = "One process with all roles and a record of its own, without PostgreSQL and Redis." };
        var members = new Option<string?>("--members") { Description = $"Processes with commas between; a process with several roles names them with + between. Default: {Members}, and for saturation three with all roles." };
        var postgres = new Option<string?>("--postgres") { Description = "Connection string of the record's server. Default: one of its own, which faults are done to as well." };
        var redis = new Option<string?>("--redis") { Description = "Connection string of the membership's server; together with --postgres." };
        var only = new Option<string?>("--only") { Description = $"Sections with commas between: {string.Join(", ", ClusterRun.Sections)}. Default: all." };
        var faults = new Option<string?>("--faults") { Description = $"Kinds with commas between: {string.Join(", ", Faults.All)}. Default: all; of servers that were named with --postgres and --redis none; of an embedded host those of processes and clients but {Faults.Freeze}, which it can only sit out." };
        var seconds = new Option<double>("--seconds") { Description = "How long faults are done.", DefaultValueFactory = _ => 900 };
        var load = new Option<double>("--load") { Description = "Share of what the rows can answer that is asked while faults are done.", DefaultValueFactory = _ => 0.7 };
        var rows = new Option<int>("--rows") { Description = "Of each device while faults are done; saturation takes 34.", DefaultValueFactory = _ => 12 };
        var pace = new Option<double>("--pace") { Description = "Tokens a second of each row while faults are done; saturation takes 50.", DefaultValueFactory = _ => 20 };
        var answer = new Option<int>("--answer") { Description = "Tokens of an answer, at least.", DefaultValueFactory = _ => 140 };
        var saturated = new Option<double>("--saturated") { Description = "Seconds that saturation is measured.", DefaultValueFactory = _ => 20 };
        var idle = new Option<int>("--idle") { Description = "Conversations in which nobody speaks.", DefaultValueFactory = _ => 100_000 };
        var seed = new Option<int>("--seed") { Description = "Of arrivals and faults.", DefaultValueFactory = _ => 1 };
        var output = new Option<DirectoryInfo?>("--out") { Description = "Writes report.md with its pictures, seen.jsonl, what every client saw, faults.jsonl, and the logs of the processes into this folder." };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        Check(only, ClusterRun.Sections);
        Check(faults, Faults.All);
        var command = new Command("cluster", About) { embedded, members, postgres, redis, only, faults, seconds, load, rows, pace, answer, saturated, idle, seed, output, json };
        // A command's validator sees 0 where an option was left out.
        idle.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 100) result.AddError($"--idle is {result.GetValueOrDefault<int>()}; fewer than 100 conversations tell nothing.");
        });
        command.Validators.Add(result =>
        {
            if (result.GetValue(postgres) is null != result.GetValue(redis) is null)
                result.AddError("--postgres and --redis belong together: name both, or neither for servers of the run's own.");
        });
        command.SetAction(async (arguments, cancellation) =>
        {
            var isEmbedded = arguments.GetValue(embedded);
            var processes = ClusterPlan.Parse(isEmbedded ? ClusterPlan.Embedded : arguments.GetValue(members) ?? Members);
            await using var own = isEmbedded || arguments.GetValue(postgres) is not null ? null : await OwnServers.StartAsync();
            var run = new ClusterRun(new(
                new(
                    processes,
                    isEmbedded ? new Dictionary<string, string>()
                        : own is not null ? own.Direct
                        : new Dictionary<string, string> { ["Postgres"] = arguments.GetValue(postgres)!, ["Redis"] = arguments.GetValue(redis)! },
                    new Pace(arguments.GetValue(pace), arguments.GetValue(answer)),
                    arguments.GetValue(rows)),
                own,
                isEmbedded || arguments.GetValue(members) is not null,
                Names(arguments.GetValue(only)) is { Length: > 0 } some ? some : ClusterRun.Sections,
                Names(arguments.GetValue(faults)) is { Length: > 0 } named ? named : [.. Faults.All.Where(kind => (own is not null || !Faults.OfServers.Contains(kind)) && !(isEmbedded && kind is Faults.Freeze))],
                TimeSpan.FromSeconds(arguments.GetValue(seconds)),
                arguments.GetValue(load),
                TimeSpan.FromSeconds(arguments.GetValue(saturated)),
                arguments.GetValue(idle),
                arguments.GetValue(seed),
                arguments.GetValue(output)?.FullName));
            await run.MeasureAsync(cancellation);
            AnsiConsole.Write(run.Figures.ToTable());
            var figures = new JsonObject { ["subject"] = "cluster", ["cores"] = Environment.ProcessorCount, ["processes"] = processes.Count };
            run.Figures.WriteTo(figures);
            if (arguments.GetValue(json)?.FullName is { } file) await File.WriteAllTextAsync(file, figures.ToJsonString(JsonOptions), cancellation);
            return run.Figures.MissAny ? 1 : 0;
        });
        return command;
    }

    private static void Check(Option<string?> option, IReadOnlyList<string> known) => option.Validators.Add(result =>
    {
        foreach (var name in Names(result.GetValueOrDefault<string?>()).Except(known))
            result.AddError($"{option.Name} names '{name}'; there are {string.Join(", ", known)}.");
    });

    private static string[] Names(string? names) => names?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
}
