using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>Which turns are meant, as commands that find some take it.</summary>
internal static class TranscriptFilterOptions
{
    private static readonly Option<string?> Customer = new("--customer") { Description = "Whose conversations, as they were created.", HelpName = "name" };

    private static readonly Option<string?> Agent = new("--agent") { Description = "With which agent.", HelpName = "name" };

    private static readonly Option<string?> Channel = new("--channel") { Description = "Over which channel.", HelpName = "name" };

    private static readonly Option<Turn.Types.State[]> States = new("--state")
    {
        Description = "How the turn ended: Completed, Blocked, HeldForReview, Cancelled, Interrupted, Failed; may be given several times.",
        HelpName = "state",
    };

    private static readonly Option<string?> Model = new("--model") { Description = "Which model answered: its name, or its whole hash.", HelpName = "name" };

    private static readonly Option<bool> Hit = new("--hit") { Description = "Only where the lexicon found something." };

    private static readonly Option<string?> Category = new("--hit-category") { Description = "Only where the lexicon found something of this category.", HelpName = "name" };

    private static readonly Option<LexiconHit.Types.Action?> Action = new("--hit-action") { Description = "Only where the lexicon did this: Mask, Review, Replace, Block.", HelpName = "action" };

    public static T WithFilter<T>(this T command) where T : Command
    {
        foreach (var option in (Option[])[WhenOption.Since, WhenOption.Until, Customer, Agent, Channel, States, Model, Hit, Category, Action])
            command.Add(option);
        return command;
    }

    public static TranscriptFilter Filter(this ParseResult parsed)
    {
        var filter = new TranscriptFilter
        {
            StartTime = parsed.Wire(WhenOption.Since),
            EndTime = parsed.Wire(WhenOption.Until),
            Customer = parsed.GetValue(Customer) ?? "",
            Agent = parsed.GetValue(Agent) ?? "",
            Channel = parsed.GetValue(Channel) ?? "",
            States = { parsed.GetValue(States) ?? [] },
            Model = parsed.GetValue(Model) ?? "",
        };
        var (category, action) = (parsed.GetValue(Category), parsed.GetValue(Action));
        if (parsed.GetValue(Hit) || category is not null || action is not null)
            filter.Hits = new() { Category = category ?? "", Action = action ?? LexiconHit.Types.Action.Unspecified };
        return filter;
    }
}
