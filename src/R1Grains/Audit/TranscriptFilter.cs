using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Audit;

/// <summary>Which turns are meant. What is null or empty asks for nothing.</summary>
/// <param name="From">When they ended at the earliest.</param>
/// <param name="Until">Before when they ended.</param>
/// <param name="States">One of these.</param>
/// <param name="Model">Its name, or its hash.</param>
internal sealed record TranscriptFilter(
    DateTimeOffset? From,
    DateTimeOffset? Until,
    string Customer,
    string Agent,
    string Channel,
    IReadOnlyList<TurnState> States,
    string Model,
    HitFilter? Hits)
{
    public bool Takes(ClosedTurn turn) =>
        !(turn.Closed.Time < From) && !(turn.Closed.Time >= Until)
        && Is(Customer, turn.Conversation.Customer) && Is(Agent, turn.Conversation.Agent) && Is(Channel, turn.Conversation.Channel)
        && (States.Count == 0 || States.Contains(Views.StateOf(turn.Closed)))
        && (Is(Model, turn.Opened.Release.ModelName) || Model == turn.Opened.Release.ModelHash.ToString())
        && (Hits is null || turn.Opened.Hits.Concat(turn.Closed.Hits).Any(Hits.Takes));

    /// <summary>Of each a turn must have one; those that few turns have come first.</summary>
    public IEnumerable<IReadOnlyList<Fact>> Facts()
    {
        if (Customer.Length > 0) yield return [new(Fact.Customer, Customer)];
        if (Hits is not null) yield return [Hits.Category.Length > 0 ? new(Fact.HitCategory, Hits.Category) : Hits.Action is { } action ? new(Fact.HitAction, $"{action}") : Fact.AnyHit];
        if (Agent.Length > 0) yield return [new(Fact.Agent, Agent)];
        if (States.Count > 0) yield return [.. States.Select(state => new Fact(Fact.State, $"{state}"))];
        if (Channel.Length > 0) yield return [new(Fact.Channel, Channel)];
        if (Model.Length > 0) yield return [new(Fact.Model, Model)];
    }

    private static bool Is(string wanted, string found) => wanted.Length == 0 || wanted == found;
}

/// <summary>One hit of a lexicon that is all of this.</summary>
/// <param name="Category">Empty for any.</param>
/// <param name="LevelMin">Not below this.</param>
internal sealed record HitFilter(string Category, HitAction? Action, HitPlace? Place, int LevelMin)
{
    public bool Takes(LexiconHit hit) =>
        (Category.Length == 0 || hit.Category == Category) && (Action is null || hit.Action == Action) && (Place is null || hit.Place == Place) && hit.Level >= LevelMin;
}

/// <summary>Something about a turn beside its words, by which an index finds it.</summary>
internal readonly record struct Fact(string Kind, string Value)
{
    public const string Customer = "customer", Agent = "agent", Channel = "channel", State = "state", Model = "model", HitCategory = "hit category", HitAction = "hit action";

    public static readonly Fact AnyHit = new("hit", "");

    public static IEnumerable<Fact> Of(ClosedTurn turn)
    {
        yield return new(Customer, turn.Conversation.Customer);
        yield return new(Agent, turn.Conversation.Agent);
        yield return new(Channel, turn.Conversation.Channel);
        yield return new(State, $"{Views.StateOf(turn.Closed)}");
        yield return new(Model, turn.Opened.Release.ModelName);
        yield return new(Model, turn.Opened.Release.ModelHash.ToString());
        foreach (var hit in turn.Opened.Hits.Concat(turn.Closed.Hits))
        {
            yield return AnyHit;
            yield return new(HitCategory, hit.Category);
            yield return new(HitAction, $"{hit.Action}");
        }
    }
}
