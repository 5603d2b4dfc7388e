namespace R1Grains.Ledger;

/// <summary>The last entry of a conversation's chain.</summary>
public sealed record ConversationCompleted
{
    public required ConversationKey Key { get; init; }

    public required long Epoch { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required string Caller { get; init; }

    /// <summary>Null when no request asked for it.</summary>
    public string? RequestId { get; init; }

    /// <summary><c>caller</c> or <c>idle</c>.</summary>
    public required string Reason { get; init; }
}
