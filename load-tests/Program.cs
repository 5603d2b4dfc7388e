using System.CommandLine;
using Grpc.Core;
using R1Grains.Engine.Models;
using R1Grains.LoadTests;
using R1Grains.LoadTests.Attacks;
using R1Grains.LoadTests.Clients;
using R1Grains.LoadTests.Cluster;
using R1Grains.LoadTests.Engine;
using R1Grains.LoadTests.Filter;
using R1Grains.LoadTests.Fuzz;
using R1Grains.LoadTests.Ledger;
using R1Grains.LoadTests.Tamper;
using R1Grains.LoadTests.Turns;
using R1Grains.Operations;

// As shells have it for Ctrl-C.
const int Stopped = 130;

// Processes that were started are ended first.
var cleanUp = TimeSpan.FromSeconds(20);

// The host of a cluster's processes (LocalCluster): it ends when it has served everybody, not when a command line wants to.
if (args is ["host", .. var settings]) return await PacedHost.RunAsync(settings);

// A process that writes a record until it is killed (CrashRun).
if (args is [CrashWriter.Argument, .. var store]) return await CrashWriter.RunAsync(store);

var root = new RootCommand("Measures R1Grains on this machine: a table for people, --json FILE for machines.")
{
    EngineBenchmark.Command(),
    ContextBenchmark.Command(),
    LedgerBenchmark.Command(),
    TamperBenchmark.Command(),
    FilterBenchmark.Command(),
    AttackBenchmark.Command(),
    FuzzBenchmark.Command(),
    TurnsBenchmark.Command(),
    ClusterBenchmark.Command(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = cleanUp });
}
catch (Exception refused) when (refused is ModelFolderException or StartFailure or TroubleException or TimeoutException)
{
    Console.Error.WriteLine(refused.Message);
    return 1;
}
catch (Exception stopped) when (stopped is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
{
    Console.Error.WriteLine("Stopped before the end: nothing is told of half a run.");
    return Stopped;
}
