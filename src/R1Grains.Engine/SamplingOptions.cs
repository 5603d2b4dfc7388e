namespace R1Grains.Engine;

/// <summary>How a reply is drawn from the logits and when it must end.</summary>
public sealed record SamplingOptions
{
    private const int StopStringsMax = 16;
    private const int StopStringLengthMax = 128;

    /// <summary>0 takes the likeliest id; otherwise logits are divided by it.</summary>
    public float Temperature { get; init; } = 0.6f;

    /// <summary>Only the likeliest ids that together reach this probability are drawn from; in (0, 1].</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only so many of the likeliest ids are drawn from; 0 for all.</summary>
    public int TopK { get; init; }

    /// <summary>Divides (multiplies, when negative) the logits of ids in the prompt and the reply so far; 1 changes nothing.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    public ulong Seed { get; init; }

    /// <summary>Ids of the reply: reasoning, forced and recorded ids included.</summary>
    public int MaxTokens { get; init; } = 1024;

    /// <summary>Reasoning ids after which the end of the reasoning is forced; null for no such limit.</summary>
    public int? ReasoningBudget { get; init; }

    /// <summary>Texts that end the answer. They are not looked for in the reasoning.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require(float.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), Temperature, "0 or more");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Require(TopK >= 0, nameof(TopK), TopK, "0 or more");
        Require(float.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, nameof(RepetitionPenalty), RepetitionPenalty, "above 0");
        Require(MaxTokens >= 1, nameof(MaxTokens), MaxTokens, "1 or more");
        Require(ReasoningBudget is null or >= 0, nameof(ReasoningBudget), ReasoningBudget, "0 or more");
        Require(StopStrings.Count <= StopStringsMax, nameof(StopStrings), StopStrings.Count, $"at most {StopStringsMax} texts");
        foreach (var stop in StopStrings)
            Require(stop.Length is > 0 and <= StopStringLengthMax, nameof(StopStrings), stop.Length, $"texts of 1 to {StopStringLengthMax} characters");
    }

    private static void Require(bool holds, string name, object? value, string range)
    {
        if (!holds) throw new ArgumentException($"{name} is {value}; it must be {range}.", name);
    }
}
