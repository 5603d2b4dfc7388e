namespace R1Grains.LoadTests.Clients;

/// <param name="Class">What kind of request it is, for the report.</param>
/// <param name="Conversation">tenants/{tenant}/conversations/{conversation}</param>
/// <param name="RequestId">The same for each repetition of one request.</param>
/// <param name="Answer">What the model will say, where that is known.</param>
internal sealed record Question(string Class, string Conversation, string RequestId, string Words, string? Answer = null);

/// <summary>One request as its client saw it, over all its connections: everything that came, as it came.</summary>
/// <param name="due">When it was to be sent, a timestamp.</param>
internal sealed class SeenTurn(Question question, long due)
{
    public Question Question { get; } = question;

    public long Due { get; } = due;

    /// <summary>The turn's number as accepted; 0 before.</summary>
    public int Index { get; set; }

    public long? AcceptedAt { get; set; }

    /// <summary>Numbers other than <see cref="Index"/> under which the same request was accepted as well.</summary>
    public List<int> OtherIndexes { get; } = [];

    /// <summary>In the order in which they came, repetitions included.</summary>
    public List<SeenPiece> Pieces { get; init; } = [];

    public List<SeenBreak> Breaks { get; } = [];

    public SeenEnd End { get; set; }

    public long? EndedAt { get; set; }

    /// <summary>Why it failed, was refused or was given up.</summary>
    public string? Reason { get; set; }

    /// <summary>Of a completed turn: reasoning and answer together.</summary>
    public int Tokens { get; set; }

    public int ReasoningTokens { get; set; }

    public int PromptTokens { get; set; }

    public string Name => $"{Question.Conversation}/turns/{Index}";

    public long LastSequence => Pieces.Count == 0 ? 0 : Pieces.Max(piece => piece.Sequence);
}

/// <param name="At">When it came, a timestamp.</param>
internal readonly record struct SeenPiece(long Sequence, string Text, long At = 0);

/// <param name="Last">When the last piece before it came; null where there was none.</param>
internal sealed record SeenBreak(long At, string Address, string Reason, long? Last);

internal enum SeenEnd
{
    /// <summary>The client was stopped before the turn was.</summary>
    None,

    Completed,

    /// <summary>The turn's own last event.</summary>
    Failed,

    /// <summary>Never accepted.</summary>
    Refused,

    /// <summary>No end by the deadline, at no address.</summary>
    GivenUp,
}
