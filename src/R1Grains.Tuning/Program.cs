using System.CommandLine;
using R1Grains.Engine.Models;
using R1Grains.Tuning.Commands;
using Spectre.Console;

// Piped output is read by programs and kept in logs: lines are not folded.
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 400;

var tool = new RootCommand("Builds the models that R1Grains serves. Exit codes: 0 done, 1 wrong usage or below a floor, 2 unusable input")
{
    CorpusCommand.Build(),
    TokenizerCommand.Build(),
    PretrainCommand.Build(),
    EvaluateCommand.Build(),
    ExportCommand.Build(),
    RandomCommand.Build(),
    QuantizeCacheCommand.Build(),
};
try
{
    return tool.Parse(args).Invoke(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        // Training that is asked to stop still writes a checkpoint.
        ProcessTerminationTimeout = TimeSpan.FromMinutes(2),
    });
}
catch (Exception unusable) when (unusable is InvalidDataException or IOException or UnauthorizedAccessException or ModelFolderException)
{
    Console.Error.WriteLine($"r1-tune: {unusable.Message}");
    return 2;
}
