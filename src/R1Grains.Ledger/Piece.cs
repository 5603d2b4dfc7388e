namespace R1Grains.Ledger;

/// <summary>One release of text within an open turn. Durable before anybody sees <see cref="Text"/>.</summary>
public sealed record Piece
{
    public required ConversationKey Key { get; init; }

    public required int Turn { get; init; }

    /// <summary>1, 2, 3 … without gaps: the sequence that clients see.</summary>
    public required int Number { get; init; }

    public required long Epoch { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>All raw ids sampled since the previous piece, reasoning included.</summary>
    public required IReadOnlyList<int> TokenIds { get; init; }

    /// <summary>The released characters; valid Unicode.</summary>
    public required string Text { get; init; }

    /// <summary>Continuations after a fault since the previous piece, of which another activation could not know otherwise.</summary>
    public IReadOnlyList<ResumePoint> ResumePoints { get; init; } = [];
}
