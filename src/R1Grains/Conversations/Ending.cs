using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>How a turn ends.</summary>
/// <param name="Finish">Null where nothing finished.</param>
/// <param name="Failure">Set when the turn failed or was interrupted.</param>
internal sealed record Ending(Outcome Outcome, FinishReason? Finish, Refusal? Failure = null)
{
    public static readonly Ending Cancelled = new(Outcome.Cancelled, FinishReason.Cancelled);

    /// <summary>The customer got other words in the place of an answer, or of its rest.</summary>
    public static readonly Ending Blocked = new(Outcome.Blocked, FinishReason.Guardrail);

    /// <summary>A person decides about what the customer or the model said; until then the customer knows so.</summary>
    public static readonly Ending Held = new(Outcome.Blocked, FinishReason.Review);

    public static Ending Completed(FinishReason finish) => new(Outcome.Completed, finish);

    public static Ending Failed(Refusal failure) => new(Outcome.Failed, null, failure);

    public static Ending Interrupted(Reason reason, string detail) => new(Outcome.Interrupted, FinishReason.Interrupted, new(reason, detail));
}

/// <summary>What the customer gets where no model is asked, in one piece, and how the turn ends then.</summary>
internal sealed record Instead(string Text, Ending Ending)
{
    /// <summary>Found in what a person has let go; null where there is nothing of a model's.</summary>
    public (IReadOnlyList<LexiconHit> Hits, IReadOnlyList<PersonalItem> Items)? Found { get; init; }
}
