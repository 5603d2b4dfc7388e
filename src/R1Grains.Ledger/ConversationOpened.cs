namespace R1Grains.Ledger;

/// <summary>The first entry of a conversation's chain.</summary>
public sealed record ConversationOpened
{
    public required ConversationKey Key { get; init; }

    /// <summary>The client's id of the request that created the conversation.</summary>
    public required string RequestId { get; init; }

    /// <summary>Over the request's meaning without its id: tells a retry from a reused id.</summary>
    public required Digest PayloadHash { get; init; }

    /// <summary>Kept in UTC, in whole microseconds, as every time in the record.</summary>
    public required DateTimeOffset Time { get; init; }

    public required string Caller { get; init; }

    public required string Channel { get; init; }

    public required string Customer { get; init; }

    public required string Agent { get; init; }

    public required string LanguageCode { get; init; }

    /// <summary>Kept in this order; the order is part of what is hashed.</summary>
    public required IReadOnlyList<Label> Labels { get; init; }

    /// <summary>Counted from the last record while no turn is open; positive.</summary>
    public required TimeSpan IdleTimeout { get; init; }
}

public sealed record Label(string Name, string Value);
