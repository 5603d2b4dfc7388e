using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;
using R1Grains.Cli;

Console.OutputEncoding = Console.InputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

using var interrupts = new Interrupts();
var root = HelpWithExamples.AddTo(new RootCommand("Talks to a R1Grains server, and checks its record.")
{
    ChatCommand.Create(interrupts),
    ConversationsCommand.Create(),
    TurnsCommand.Create(),
    ReplayCommand.Create(),
    GuardrailCommand.Create(),
    AuditCommand.Create(),
    TenantsCommand.Create(),
    AccessCommand.Create(),
    KeysCommand.Create(),
});

var parsed = root.Parse(args);
if (parsed.Action is ParseErrorAction mistakes)
{
    mistakes.ShowHelp = false;
    parsed.Invoke();
    Console.Error.WriteLine("See --help.");
    return ExitCode.Usage;
}

try
{
    return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interrupts.Leaving);
}
catch (RefusedException refused)
{
    Console.Error.WriteLine($"r1: {refused.Message}");
    return ExitCode.Refused;
}
catch (UnreachableException unreachable)
{
    Console.Error.WriteLine($"r1: {unreachable.Message}\n  Is it running? See --server, or start one: dotnet run --project src/R1Grains");
    return ExitCode.Unreachable;
}
catch (IOException unwritable)
{
    Console.Error.WriteLine($"r1: the output cannot be written: {unwritable.Message}");
    return ExitCode.Refused;
}
catch (OperationCanceledException) when (interrupts.Leaving.IsCancellationRequested)
{
    return ExitCode.Interrupted;
}
