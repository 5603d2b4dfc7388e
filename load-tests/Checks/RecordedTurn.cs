namespace R1Grains.LoadTests.Checks;

/// <summary>One turn as it stands in the record.</summary>
/// <param name="Pieces">Texts of piece 1, 2, 3 …</param>
/// <param name="Deadline">Null where the record was read over the wire, which does not tell it.</param>
/// <param name="FirstText">When the first piece was recorded.</param>
/// <param name="Resumed">How often another run of a device went on with the answer; null where nobody told.</param>
internal sealed record RecordedTurn(
    string Conversation,
    int Index,
    string RequestId,
    IReadOnlyList<string> Pieces,
    RecordedEnd End,
    DateTimeOffset Opened,
    DateTimeOffset? Deadline = null,
    DateTimeOffset? FirstText = null,
    DateTimeOffset? Closed = null,
    int? Resumed = null)
{
    public string Text => string.Concat(Pieces);

    /// <summary>A piece was released and the turn was open.</summary>
    public bool IsMidAnswer(DateTimeOffset time) => FirstText < time && (Closed is null || time < Closed);
}

internal enum RecordedEnd
{
    Open,
    Completed,
    Cancelled,
    Failed,
    Interrupted,
    Blocked,
}
