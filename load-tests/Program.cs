using System.CommandLine;
using R1Grains.Engine.Models;
using R1Grains.LoadTests;
using R1Grains.LoadTests.Engine;

var root = new RootCommand("Measures R1Grains on this machine: a table for people, --json FILE for machines.")
{
    EngineBenchmark.Command(),
    ContextBenchmark.Command(),
    LedgerBenchmark.Command(),
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
