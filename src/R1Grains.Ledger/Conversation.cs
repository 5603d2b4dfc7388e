using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger;

/// <summary>A conversation as the record shows it.</summary>
/// <param name="LastActivity">Time of the last ledger entry or piece.</param>
/// <param name="TurnCount">Including an open turn, which is then the last.</param>
/// <param name="Completed">Null while turns can still be opened.</param>
public sealed record Conversation(
    ConversationOpened Opened,
    DateTimeOffset LastActivity,
    int TurnCount,
    bool TurnIsOpen,
    ConversationCompleted? Completed)
{
    public ConversationKey Key => Opened.Key;

    /// <summary>Whether its words are gone for good: confidential fields are empty then.</summary>
    public bool IsErased { get; init; }

    /// <summary>Under which its words lie.</summary>
    public DataKeyId DataKey { get; init; }

    /// <summary>Whose words they are, or the conversation's own where nobody said.</summary>
    public Digest Subject => DataKey.Subject;

    /// <summary>The same by every version of the index key that is not retired, as holds and erasures name it; of what is erased by its own alone.</summary>
    public IReadOnlyList<Digest> Subjects { get; init; } = [];

    /// <summary>Whether somebody said whose words they are.</summary>
    public bool IsOfCustomer { get; init; }
}

public enum CreationOutcome
{
    Created,

    /// <summary>The same request created it before.</summary>
    Replayed,

    /// <summary>The caller's request id created this conversation or another one, with another payload.</summary>
    RequestIdReused,

    /// <summary>Another request created it.</summary>
    AlreadyExists,
}

/// <param name="Conversation">As it is in the record now: what the request id created, else what has the wanted name.</param>
public sealed record Creation(CreationOutcome Outcome, Conversation Conversation);

/// <summary>What a new activation starts from. From here on, every writer with a smaller epoch is refused.</summary>
/// <param name="Turns">The most recent ones, oldest first; an open turn is the last.</param>
public sealed record TakenOver(Conversation Conversation, long Epoch, int NextTurn, IReadOnlyList<TurnRecord> Turns);
