namespace R1Grains.Ledger.Retention;

/// <summary>How long what was said is kept, counted from the last thing that happened in its conversation.</summary>
/// <param name="Minimum">Before that nothing is erased, whoever asks.</param>
/// <param name="Maximum">After that it is destroyed unasked; null for never.</param>
public readonly record struct RetentionRule(Term Minimum, Term? Maximum);

/// <summary>
/// The rules of a cluster. A record's class is the channel of its conversation, e.g. advice that must be kept for longer
/// than chat; a tenant may have rules of its own, and what these leave open the cluster's say.
/// </summary>
public sealed record RetentionRules
{
    /// <summary>
    /// Six years is what rule 4511 of FINRA asks of records for which nothing else does, and more than most others; seven is
    /// what MiFID II lets an authority ask for. What was destroyed too early cannot be brought back.
    /// </summary>
    public static readonly RetentionRule Standard = new(Term.Years(6), Term.Years(7));

    /// <summary>Null where the cluster's rule counts; of the cluster itself <see cref="Standard"/>.</summary>
    public Term? Minimum { get; init; }

    /// <inheritdoc cref="Minimum"/>
    public Term? Maximum { get; init; }

    /// <summary>By channel.</summary>
    public IReadOnlyDictionary<string, RetentionRules> Channels { get; init; } = new Dictionary<string, RetentionRules>();

    /// <summary>By name.</summary>
    public IReadOnlyDictionary<string, RetentionRules> Tenants { get; init; } = new Dictionary<string, RetentionRules>();

    /// <summary>So long after its end a month's pieces are kept, of all tenants; null for as long as its entries.</summary>
    public Term? Pieces { get; init; }

    /// <summary>The shortest time after which anything of the tenant is to be destroyed; null where nothing ever is.</summary>
    public Term? ShortestMaximum(string tenant) => Maxima(tenant).Where(maximum => maximum is not null).MinBy(maximum => maximum!.Value.After(DateTimeOffset.UnixEpoch));

    /// <summary>The time after which everything of these tenants is to be destroyed; null where anything never is.</summary>
    public Term? LongestMaximum(IEnumerable<string> tenants) => tenants.SelectMany(Maxima).MaxBy(maximum => maximum?.After(DateTimeOffset.UnixEpoch) ?? DateTimeOffset.MaxValue);

    private IEnumerable<Term?> Maxima(string tenant) =>
        Channels.Keys.Concat(Tenants.GetValueOrDefault(tenant)?.Channels.Keys ?? []).Append("").Select(channel => Of(tenant, channel).Maximum);

    public RetentionRule Of(string tenant, string channel)
    {
        var (own, ownChannel) = (Tenants.GetValueOrDefault(tenant), Tenants.GetValueOrDefault(tenant)?.Channels.GetValueOrDefault(channel));
        var shared = Channels.GetValueOrDefault(channel);
        var minimum = ownChannel?.Minimum ?? own?.Minimum ?? shared?.Minimum ?? Minimum ?? Standard.Minimum;
        var maximum = ownChannel?.Maximum ?? own?.Maximum ?? shared?.Maximum ?? Maximum ?? Standard.Maximum!.Value;
        // A Maximum of 0 stands for never: destroying at once would be no keeping.
        return new(minimum, maximum == Term.None ? null : maximum);
    }
}
