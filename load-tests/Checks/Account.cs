namespace R1Grains.LoadTests.Checks;

/// <summary>The kinds of defect, under the keys by which they are printed. All must be 0.</summary>
internal static class DefectKind
{
    /// <summary>A client was told that its turn was accepted, or how it ended, and the record does not say so.</summary>
    public const string TurnsLost = "turns_lost";

    /// <summary>One request became two turns, a turn that nobody asked for, or an answer that is given twice over.</summary>
    public const string TurnsDuplicated = "turns_duplicated";

    /// <summary>A client missed a piece, or the end of one, that the record has.</summary>
    public const string StreamGaps = "stream_gaps";

    /// <summary>A client got a piece again that it had.</summary>
    public const string StreamRepeats = "stream_repeats";

    /// <summary>Characters that a client saw and that the record does not have in that place.</summary>
    public const string UnrecordedCharacters = "unrecorded_characters";

    /// <summary>A turn is open long after its deadline, or the conversation takes no further turn.</summary>
    public const string ConversationsStuck = "conversations_stuck";

    /// <summary>A completed answer is not what the model says to that question, where this is known.</summary>
    public const string AnswersChanged = "answers_changed";

    public static readonly IReadOnlyList<string> All =
        [TurnsLost, TurnsDuplicated, StreamGaps, StreamRepeats, UnrecordedCharacters, ConversationsStuck, AnswersChanged];
}

/// <param name="Where">A turn or a conversation.</param>
/// <param name="Count">How much it adds to its kind: turns, breaks in a stream, or characters.</param>
internal sealed record Defect(string Kind, string Where, string What, long Count = 1);

/// <summary>What came of comparing what clients saw with the record, and how much was compared.</summary>
internal sealed record Account(IReadOnlyList<Defect> Defects, int TurnsSeen, int TurnsRecorded, int PiecesCompared, long CharactersCompared)
{
    public bool IsClean => Defects.Count == 0;

    public long Count(string kind) => Defects.Where(defect => defect.Kind == kind).Sum(defect => defect.Count);
}
