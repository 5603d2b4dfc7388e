using System.CommandLine;
using R1Grains.Engine.Models;
using R1Grains.LoadTests;
using R1Grains.LoadTests.Cluster;
using R1Grains.LoadTests.Engine;
using R1Grains.LoadTests.Turns;

// The host of a cluster's processes (LocalCluster): it ends when it has served everybody, not when a command line wants to.
if (args is ["host", .. var settings]) return await PacedHost.RunAsync(settings);

var root = new RootCommand("Measures R1Grains on this machine: a table for people, --json FILE for machines.")
{
    EngineBenchmark.Command(),
    ContextBenchmark.Command(),
    LedgerBenchmark.Command(),
    TurnsBenchmark.Command(),
    ClusterBenchmark.Command(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (ModelFolderException refused)
{
    Console.Error.WriteLine(refused.Message);
    return 1;
}
