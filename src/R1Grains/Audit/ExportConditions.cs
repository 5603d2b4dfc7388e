using System.Globalization;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;

namespace R1Grains.Audit;

/// <summary>
/// Which turns an export is of, as it is kept with it and stands in its manifest: names and values. Who the customer is stands
/// there as the keyed hash alone, because it stays longer than the customer's words.
/// </summary>
/// <param name="Filter">Without the customer.</param>
/// <param name="Customers">By every version of the index key; none for all.</param>
/// <param name="Conversations">By name; none for all.</param>
internal sealed record ExportConditions(TranscriptFilter Filter, IReadOnlyList<Digest> Customers, IReadOnlyList<string> Conversations)
{
    private const string From = "from", Until = "until", Customer = "customer", Agent = "agent", Channel = "channel", State = "state", Model = "model", Hits = "hits", Conversation = "conversation";

    public bool Takes(ClosedTurn turn) => Filter.Takes(turn) && (Customers.Count == 0 || Customers.Contains(turn.Subject));

    public IReadOnlyList<ExportCondition> ToList() =>
    [
        .. Filter.From is { } from ? [new ExportCondition(From, SearchRecord.Text(from))] : (ExportCondition[])[],
        .. Filter.Until is { } until ? [new ExportCondition(Until, SearchRecord.Text(until))] : (ExportCondition[])[],
        .. Customers.Select(customer => new ExportCondition(Customer, $"{customer}")),
        .. Text(Agent, Filter.Agent), .. Text(Channel, Filter.Channel),
        .. Filter.States.Select(state => new ExportCondition(State, $"{state}")),
        .. Text(Model, Filter.Model),
        .. Filter.Hits is { } hits ? [new ExportCondition(Hits, string.Create(CultureInfo.InvariantCulture, $"{hits.LevelMin} {hits.Action} {hits.Place} {hits.Category}"))] : (ExportCondition[])[],
        .. Conversations.Select(conversation => new ExportCondition(Conversation, conversation)),
    ];

    public static ExportConditions Of(IReadOnlyList<ExportCondition> conditions)
    {
        var values = conditions.ToLookup(condition => condition.Name, condition => condition.Value);
        return new(
            new(
                Time(values[From]), Time(values[Until]), "", values[Agent].FirstOrDefault(""), values[Channel].FirstOrDefault(""),
                [.. values[State].Select(Enum.Parse<TurnState>)], values[Model].FirstOrDefault(""), values[Hits].Select(ReadHits).FirstOrDefault()),
            [.. values[Customer].Select(Digest.Parse)],
            [.. values[Conversation]]);
    }

    private static HitFilter ReadHits(string text) => text.Split(' ', 4) is [var level, var action, var place, var category]
        ? new(category, action.Length == 0 ? null : Enum.Parse<HitAction>(action), place.Length == 0 ? null : Enum.Parse<HitPlace>(place), int.Parse(level, CultureInfo.InvariantCulture))
        : throw new InvalidDataException("a condition on hits has four parts");

    private static IEnumerable<ExportCondition> Text(string name, string value) => value.Length == 0 ? [] : [new(name, value)];

    private static DateTimeOffset? Time(IEnumerable<string> values) =>
        values.FirstOrDefault() is { } text ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind) : null;
}
