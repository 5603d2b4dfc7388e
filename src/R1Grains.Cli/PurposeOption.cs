using System.CommandLine;

namespace R1Grains.Cli;

/// <summary>Why something is done, for the record.</summary>
internal static class PurposeOption
{
    private const string Variable = "R1_PURPOSE";

    /// <summary>What every command that changes what is set takes along.</summary>
    public static readonly Option<string?> Purpose = new("--purpose") { Description = "Why, for the record.", HelpName = "text" };

    /// <summary>Of commands that show a customer's words, masked unless it is given.</summary>
    public static readonly Option<string?> Lifting = new("--lift-masks") { Description = "Show personal data in the customer's words, and say why: who lifted the masks is recorded.", HelpName = "why" };

    /// <summary>Of a command that asks a server, or none.</summary>
    public static readonly Option<string> OfServer = new("--purpose", "-m")
    {
        Description = $"Why a server is asked: it is recorded with who did it. Else the environment's {Variable}.",
        HelpName = "text",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(Variable) ?? "",
    };

    /// <summary>Of commands that read what others said: without one the server answers nothing.</summary>
    public static readonly Option<string> Reading = new("--purpose", "-m")
    {
        Description = $"Why, e.g. the number of the complaint: it is recorded with who did it. Else the environment's {Variable}.",
        HelpName = "text",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(Variable) ?? "",
        Validators =
        {
            result =>
            {
                if (string.IsNullOrWhiteSpace(result.GetValueOrDefault<string>()))
                    result.AddError($"--purpose is missing: say why this is read, for the record, or set {Variable}.");
            },
        },
    };
}
