namespace R1Grains.Ledger;

/// <summary>A turn that has ended, with the conversation that it is of.</summary>
/// <param name="Leaf">Of its end in the tenant's tree, from 0: turns stand in the order of their ends, and keep their place for ever.</param>
public sealed record ClosedTurn(long Leaf, ConversationOpened Conversation, TurnOpened Opened, TurnClosed Closed)
{
    /// <summary>Whether its words are gone for good: confidential fields are empty then.</summary>
    public bool IsErased { get; init; }

    /// <summary>Whose words it holds, as in <see cref="Ledger.Conversation.Subject"/>.</summary>
    public required Digest Subject { get; init; }

    /// <summary>The same by every version of the index key, as in <see cref="Ledger.Conversation.Subjects"/>.</summary>
    public IReadOnlyList<Digest> Subjects { get; init; } = [];
}

/// <param name="Next">The first leaf that was not looked at.</param>
public sealed record ClosedTurns(IReadOnlyList<ClosedTurn> Turns, long Next);
