using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace R1Grains.Cli;

/// <summary>A command whose --help ends with examples.</summary>
internal sealed class ExampledCommand(string name, string description, string examples) : Command(name, description)
{
    public string Examples => examples;
}

/// <summary>System.CommandLine's help, and what it has no place for.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    private const string OfAll = """
        r1 chat
        echo "信用卡年费是多少？" | r1 chat
        r1 turns list 3f2a
        r1 audit verify ./data
        """;

    private readonly HelpAction _help = new();

    public static RootCommand AddTo(RootCommand root)
    {
        root.Options.OfType<HelpOption>().Single().Action = new HelpWithExamples();
        return root;
    }

    public override int Invoke(ParseResult parseResult)
    {
        _help.Invoke(parseResult);
        var examples = parseResult.CommandResult.Command is ExampledCommand command ? command.Examples : OfAll;
        parseResult.InvocationConfiguration.Output.WriteLine($"""
            Examples:
              {examples.ReplaceLineEndings("\n  ")}

            Exit codes:
              0 done    1 refused, failed, invalid or different    2 wrong usage, or nothing to check    3 no server reached
            """);
        return ExitCode.Done;
    }
}
