namespace R1Grains.Ledger;

/// <summary>One turn as the record shows it. The prompt's token ids are read apart, by <see cref="IRecord.ReadPromptAsync"/>.</summary>
/// <param name="PromptHash">What the entry commits to: <see cref="Digest.OfTokens"/> of the prompt.</param>
/// <param name="Pieces">All of them, in order.</param>
/// <param name="Closed">Null while the turn is open, as is its receipt.</param>
public sealed record TurnRecord(
    TurnOpened Opened,
    Digest PromptHash,
    Receipt OpenedReceipt,
    IReadOnlyList<Piece> Pieces,
    TurnClosed? Closed,
    Receipt? ClosedReceipt)
{
    /// <summary>Whether its words are gone for good: confidential fields are empty then, and the hash of the prompt is zeros.</summary>
    public bool IsErased { get; init; }

    /// <summary>All that were sampled, as far as they are recorded.</summary>
    public IEnumerable<int> TokenIds => Pieces.SelectMany(piece => piece.TokenIds).Concat(Closed?.TrailingTokenIds ?? []);
}

/// <summary>Proof that an entry is durable: keep it, and compare it with the record later.</summary>
/// <param name="Index">Position in the conversation's chain, from 0.</param>
public sealed record Receipt(ConversationKey Key, long Index, Digest LeafHash)
{
    /// <summary>Of a closed turn, a signed note over a <see cref="Tree.Promise"/>; null where who wrote it had no key.</summary>
    public string? Note { get; init; }
}

/// <summary>A turn that somebody has to finish or close.</summary>
public sealed record OpenTurn(ConversationKey Key, int Turn, DateTimeOffset Deadline);

/// <summary>A conversation that somebody has to complete.</summary>
/// <param name="Since">When its idle timeout passed.</param>
public sealed record IdleConversation(ConversationKey Key, DateTimeOffset Since);

/// <param name="Next">Pass it as <c>after</c> to go on; null after the last page. Stays valid while the record grows.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, long? Next);
