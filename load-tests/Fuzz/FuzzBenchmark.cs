using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.LoadTests.Cluster;
using Spectre.Console;

namespace R1Grains.LoadTests.Fuzz;

/// <summary>What a host does about those who speak its protocol badly. It is in this process, so that its memory can be looked at after a full collection.</summary>
internal static class FuzzBenchmark
{
    private const int ContextLength = 8_192;
    private const double MiB = 1 << 20;
    private const int BlamedMax = 20;
    private static readonly TimeSpan TokenTime = TimeSpan.FromMilliseconds(1);
    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true };

    public static Command Command()
    {
        var messages = new Option<int>("--messages") { Description = "Messages, mutated or by chance.", DefaultValueFactory = _ => 1_000_000 };
        var connections = new Option<int>("--connections") { Description = "Connections that speak HTTP/2 badly.", DefaultValueFactory = _ => 10_000 };
        var seed = new Option<int>("--seed") { Description = "The same gives the same messages.", DefaultValueFactory = _ => 1 };
        var json = new Option<FileInfo?>("--json") { Description = "Write the figures to this file." };
        var command = new Command("fuzz", "Malformed messages and connections against a host on loopback; exit code 1 when it crashes, says that something was its fault, or keeps memory.") { messages, connections, seed, json };
        command.SetAction((arguments, cancellation) => RunAsync(
            arguments.GetValue(messages), arguments.GetValue(connections), arguments.GetValue(seed), arguments.GetValue(json)?.FullName, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(int messages, int connections, int seed, string? path, CancellationToken cancellation)
    {
        var figures = new Figures();
        var data = Directory.CreateTempSubdirectory("r1grains-fuzz-");
        await using (var app = R1Host.Build([$"--R1:Data={data.FullName}", "--R1:Listen=127.0.0.1:0", "--R1:Limits:CallerRate=0", "--R1:Limits:TenantRate=0"], Configure))
        {
            await app.StartAsync(cancellation);
            var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            await using var run = await FuzzRun.Begin(address, cancellation);

            Progress.Say("warming up");
            await run.Go(Math.Max(1, messages / 20), Math.Max(1, connections / 20), seed + 1, cancellation);
            var before = Settled();
            Progress.Say($"{messages:n0} messages, then {connections:n0} connections");
            await run.Go(messages, connections, seed, cancellation);
            var after = Settled();
            foreach (var blamed in run.Blamed.Take(BlamedMax)) Progress.Say(blamed);

            figures.Add("fuzz_messages", messages);
            figures.Add("fuzz_connections", connections);
            figures.Add("fuzz_crashes", run.Crashes);
            figures.Add("fuzz_memory_growth_mib", (after - before) / MiB);
            using var process = Process.GetCurrentProcess();
            figures.Add("fuzz_peak_mib", process.PeakWorkingSet64 / MiB);
            foreach (var ended in run.Statuses.OrderByDescending(pair => pair.Value)) figures.Add($"fuzz_status_{(ended.Key.Length == 0 ? "none" : ended.Key)}", ended.Value);
            await app.StopAsync(cancellation);
        }
        data.Delete(recursive: true);

        AnsiConsole.Write(figures.ToTable());
        var json = new JsonObject { ["subject"] = "fuzz", ["cores"] = Environment.ProcessorCount, ["seed"] = seed };
        figures.WriteTo(json);
        if (path is not null) await File.WriteAllTextAsync(path, json.ToJsonString(JsonOptions), cancellation);
        return figures.MissAny ? 1 : 0;
    }

    private static void Configure(WebApplicationBuilder builder)
    {
        // Of refusals nobody wants to read a million; what was the host's own fault is told as its operators see it.
        builder.Logging.SetMinimumLevel(LogLevel.Critical).AddFilter("R1Grains", LogLevel.Error).AddFilter("Grpc", LogLevel.Error);
        var model = ScriptedModel.Create(ContextLength);
        builder.Services.AddSingleton(provider => new InferenceEngine(
            model, new PacedRunner(model, words => PacedAnswers.To(words, 20), TokenTime, provider.GetRequiredService<Settings>().Engine.Rows), provider.GetRequiredService<Settings>().Engine, provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Bytes that something still holds.</summary>
    private static long Settled()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
