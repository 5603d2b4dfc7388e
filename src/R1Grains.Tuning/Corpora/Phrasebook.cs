namespace R1Grains.Tuning.Corpora;

/// <summary>The wording of one language. Every array of frames holds its reserved ones too; pick by <see cref="Frame.Split"/>.</summary>
internal sealed class Phrasebook
{
    public required string Language { get; init; }

    public required Attribute[] Known { get; init; }

    public required Attribute[] Plain { get; init; }

    /// <summary>What customers ask and no document ever says.</summary>
    public required Attribute[] Odd { get; init; }

    public required ProductNames Names { get; init; }

    /// <summary>Questions that name product and attribute.</summary>
    public required Frame[] Questions { get; init; }

    /// <summary>Follow-ups that name only another product, and only another attribute.</summary>
    public required Frame[] SameAttribute { get; init; }

    public required Frame[] SameProduct { get; init; }

    /// <summary>Sentences of a document that name the product.</summary>
    public required Frame[] Facts { get; init; }

    /// <summary>Sentences and lines that leave the product to the heading above them.</summary>
    public required Frame[] Bare { get; init; }

    public required Frame[] Lines { get; init; }

    /// <summary>Continuations after a comma of a sentence that named the product.</summary>
    public required Frame[] Clauses { get; init; }

    public required Frame[] Headings { get; init; }

    public required string[] Openers { get; init; }

    public required string[] Closers { get; init; }

    /// <summary>Sentences without any figure.</summary>
    public required string[] Fillers { get; init; }

    public required string[] ReservedFillers { get; init; }

    public required Frame[] Answers { get; init; }

    public required Frame[] Refusals { get; init; }

    public required string[] AnswerTails { get; init; }

    /// <summary>How a customer begins to dictate, and the assistant to read back.</summary>
    public required string[] Dictations { get; init; }

    public required string ReadingBack { get; init; }

    public required IReadOnlyDictionary<Measure, string[]> QuestionWords { get; init; }

    public required string Space { get; init; }

    public required string ClauseMark { get; init; }

    public required string Stop { get; init; }

    /// <summary>
    /// Product and attribute asked for; what the documents tell of the product, line by line: their word for the
    /// attribute, the plain one, whether it is the one asked for, the value; then what was found. Each step copies,
    /// translates one word, or compares two that stand close: a small model learns these, and hardly any two at once.
    /// </summary>
    public required Func<string, string, IReadOnlyList<Fact>, string?, string> Reason { get; init; }

    public bool Zh => Language == "zh";
}
