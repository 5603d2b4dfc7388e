using R1Grains.Ledger.Tests;

// Started by the tests as a process of its own; the test runner itself does not come here.
if (args is ["append", .. var store])
    return await AppendingProcess.Run(store);
Console.Error.WriteLine("Run the tests with 'dotnet test'.");
return 2;
