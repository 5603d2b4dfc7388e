using R1Grains;
using R1Grains.Operations;
using R1Grains.Tests.Scripted;

// Started by the tests as a process of its own (HostProcess); the test runner itself does not come here.
if (args is ["host", .. var options])
    return await StartFailure.Told(() => R1Host.Run(options, Script.FromEnvironment().Configure));
Console.Error.WriteLine("Run the tests with 'dotnet test'.");
return 2;
