using System.CommandLine;

namespace R1Grains.Cli;

/// <summary>What every command that changes what is set takes along for the record.</summary>
internal static class PurposeOption
{
    public static readonly Option<string?> Purpose = new("--purpose") { Description = "Why, for the record.", HelpName = "text" };
}
