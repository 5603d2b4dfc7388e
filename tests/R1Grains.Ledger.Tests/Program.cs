using R1Grains.Ledger.Tests;
using R1Grains.LoadTests.Ledger;

// Started by the tests as a process of its own; the test runner itself does not come here.
if (args is ["append", .. var store])
    return await AppendingProcess.Run(store);
if (args is ["erase", var step, .. var erased])
    return await ErasingProcess.Run(step, erased);
if (args is ["rotate", var tenant, .. var rotating])
    return await RotatingProcess.Run(tenant, rotating);
if (args is [CrashWriter.Argument, .. var crashing])
    return await CrashWriter.RunAsync(crashing);
Console.Error.WriteLine("Run the tests with 'dotnet test'.");
return 2;
