namespace R1Grains.Ledger;

/// <summary>How a turn ended. Its ledger entry commits to every piece of the turn.</summary>
public sealed record TurnClosed
{
    public required ConversationKey Key { get; init; }

    public required int Turn { get; init; }

    public required long Epoch { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required Outcome Outcome { get; init; }

    public required string FinishReason { get; init; }

    /// <summary>What failed, for <see cref="Outcome.Failed"/> and <see cref="Outcome.Interrupted"/>.</summary>
    public string? Error { get; init; }

    /// <summary>Who cancelled, for <see cref="Outcome.Cancelled"/>.</summary>
    public string? CancelledBy { get; init; }

    public required Usage Usage { get; init; }

    /// <summary>Refused unless the record holds exactly so many pieces.</summary>
    public required int PieceCount { get; init; }

    /// <summary>Sampled after the last piece, e.g. the end token.</summary>
    public required IReadOnlyList<int> TrailingTokenIds { get; init; }

    /// <summary>Never shown to customers. Personal data that the model was not shown is covered in it.</summary>
    public required string Reasoning { get; init; }

    /// <summary>The released text whole; refused unless it is the pieces' texts joined.</summary>
    public required string Answer { get; init; }

    public DateTimeOffset? FirstTokenTime { get; init; }

    /// <summary>Each continuation after a fault; refused unless it begins with those of the pieces.</summary>
    public required IReadOnlyList<ResumePoint> ResumePoints { get; init; }

    /// <summary>
    /// Version of the lexicon by which answer and reasoning were checked; null in turns from before there was one. After a
    /// take-over it may be another than the turn was opened with: what was released by the earlier one stays.
    /// </summary>
    public Digest? Lexicon { get; init; }

    /// <summary>In the answer as the model gave it, then in the reasoning.</summary>
    public IReadOnlyList<LexiconHit> Hits { get; init; } = [];

    /// <summary>Covered in the answer as the model gave it, then in the reasoning; null in turns from before it was looked for.</summary>
    public IReadOnlyList<PersonalItem>? PersonalData { get; init; }

    /// <summary>The whole answer as the model gave it, where it waits for a person; null where nothing waits, or the input does.</summary>
    public string? Held { get; init; }
}

/// <summary>Where a device went on with an answer that another one, or another run, had begun.</summary>
/// <param name="Tokens">How many sampled tokens it was given with the prompt; never falls from one point to the next.</param>
/// <param name="Numerics">Fingerprint of its arithmetic.</param>
public sealed record ResumePoint(int Tokens, Digest Numerics);

/// <remarks>The numbers are part of the record's format.</remarks>
public enum Outcome
{
    Completed = 1,
    Blocked = 2,
    Cancelled = 3,
    Interrupted = 4,
    Failed = 5,
}

/// <summary>In tokens.</summary>
public sealed record Usage(int Prompt, int Reasoning, int Answer);
