namespace R1Grains.Engine;

/// <summary>How a reply is drawn from the logits and when it must end.</summary>
public sealed record SamplingOptions
{
    private const int StopStringsMax = 16;
    private const int StopStringLengthMax = 128;

    // Beyond these, logits of any model come out as equal, or not as numbers.
    private const float TemperatureMax = 100;
    private const float RepetitionPenaltyMin = 0.01f, RepetitionPenaltyMax = 100;

    /// <summary>0 takes the likeliest id; otherwise logits are divided by it. At most 100.</summary>
    public float Temperature { get; init; } = 0.6f;

    /// <summary>Only the likeliest ids that together reach this probability are drawn from; in (0, 1].</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only so many of the likeliest ids are drawn from; 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Divides (multiplies, when negative) the logits of ids in the prompt and the reply so far; 1 changes nothing. In [0.01, 100].</summary>
    public float RepetitionPenalty { get; init; } = 1;

    public ulong Seed { get; init; }

    /// <summary>Ids of the reply: reasoning, forced and recorded ids included.</summary>
    public int MaxTokens { get; init; } = 1024;

    /// <summary>Reasoning ids after which the end of the reasoning is forced; null for no such limit.</summary>
    public int? ReasoningBudget { get; init; }

    /// <summary>Texts that end the answer. They are not looked for in the reasoning. At most 16, of 1 to 128 characters each.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal void Validate()
    {
        if (OutOfRange() is var (name, value, range)) throw new ArgumentException($"{name} is {value}; it must be {range}.", name);
    }

    /// <summary>The first value that is out of its range; null when all are in theirs.</summary>
    internal (string Name, object Value, string Range)? OutOfRange() =>
        Temperature is not (>= 0 and <= TemperatureMax) ? (nameof(Temperature), Temperature, $"0 to {TemperatureMax}")
        : TopP is not (> 0 and <= 1) ? (nameof(TopP), TopP, "above 0 and at most 1")
        : TopK < 0 ? (nameof(TopK), TopK, "0 or more")
        : RepetitionPenalty is not (>= RepetitionPenaltyMin and <= RepetitionPenaltyMax) ? (nameof(RepetitionPenalty), RepetitionPenalty, FormattableString.Invariant($"{RepetitionPenaltyMin} to {RepetitionPenaltyMax}"))
        : MaxTokens < 1 ? (nameof(MaxTokens), MaxTokens, "1 or more")
        : ReasoningBudget < 0 ? (nameof(ReasoningBudget), ReasoningBudget, "0 or more")
        : StopStrings.Count > StopStringsMax ? (nameof(StopStrings), StopStrings.Count, $"at most {StopStringsMax} texts")
        : StopStrings.FirstOrDefault(stop => stop.Length is 0 or > StopStringLengthMax) is { } stop ? (nameof(StopStrings), stop.Length, $"texts of 1 to {StopStringLengthMax} characters")
        : null;
}
