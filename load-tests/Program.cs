using System.CommandLine;
using R1Grains.Engine.Models;
using R1Grains.LoadTests;
using R1Grains.LoadTests.Cluster;
using R1Grains.LoadTests.Engine;
using R1Grains.LoadTests.Turns;

var root = new RootCommand("Measures R1Grains on this machine: a table for people, --json FILE for machines.")
{
    EngineBenchmark.Command(),
    ContextBenchmark.Command(),
    LedgerBenchmark.Command(),
    TurnsBenchmark.Command(),
    ClusterBenchmark.Command(),
    PacedHost.Command(),
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
