using System.Globalization;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Ledger.Retention;

namespace R1Grains.Audit;

/// <summary>What the record says of a search: what was asked, and whose turns were shown. Words and customers stand there as keyed hashes.</summary>
internal static class SearchRecord
{
    public const string Action = "transcript.search";

    /// <summary>A turn that was shown.</summary>
    public const string Turn = "turn";

    /// <summary>A record has a bound.</summary>
    private const int NamedMax = 100;

    public static IEnumerable<Label> Details(SearchTerms terms, string query, TranscriptFilter filter, IEnumerable<ClosedTurn> shown)
    {
        if (query.Length > 0) yield return new("query", terms.Blind(query));
        if (filter.Customer.Length > 0) yield return new("customer", terms.Blind(filter.Customer));
        if (filter.Agent.Length > 0) yield return new("agent", terms.Blind(filter.Agent));
        if (filter.From is { } from) yield return new("from", Text(from));
        if (filter.Until is { } until) yield return new("until", Text(until));
        foreach (var (name, value) in ((string, string)[])[("channel", filter.Channel), ("model", filter.Model), ("states", string.Join(' ', filter.States)), ("hits", filter.Hits is { } hits ? $"{hits.Category} {hits.Action} {hits.Place} {hits.LevelMin}" : "")])
            if (value.Length > 0) yield return new(name, value);
        foreach (var turn in shown)
            yield return new(Turn, string.Create(CultureInfo.InvariantCulture, $"{turn.Opened.Key}/turns/{turn.Opened.Turn}"));
    }

    /// <summary>Which conversations were named: one by one, or, where a record has no room for all, by their number and a hash over them, as FORMAT.md says.</summary>
    public static IEnumerable<Label> Conversations(string tenant, IReadOnlyCollection<string> names) => names.Count <= NamedMax
        ? names.Select(name => new Label("conversation", $"{new ConversationName(tenant, name)}"))
        : [new("conversations", ErasureCertificate.Listed(names.Order(StringComparer.Ordinal)))];

    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}
