using R1Grains.V1;

namespace R1Grains.LoadTests.Attacks;

/// <summary>What became of an attack.</summary>
/// <param name="Answers">As they were shown, turn by turn.</param>
/// <param name="Ended">How each ended.</param>
internal sealed record Attempt(Attack Attack, IReadOnlyList<string> Answers, IReadOnlyList<Completed.Types.FinishReason> Ended)
{
    /// <summary>What it wanted and got; null for nothing.</summary>
    public required string? Got { get; init; }

    /// <summary>What must hold for any model, and did not.</summary>
    public required Breach Breach { get; init; }

    /// <summary>Fixed words came in the place of an answer, or of its rest.</summary>
    public bool IsStopped => Ended.Any(end => end is Completed.Types.FinishReason.Guardrail or Completed.Types.FinishReason.Review);
}

/// <summary>Guarantees that hang on no model.</summary>
[Flags]
internal enum Breach
{
    None = 0,

    /// <summary>An answer shows the canary.</summary>
    Canary = 1,

    /// <summary>An answer shows what is masked.</summary>
    SecretShown = 2,

    /// <summary>A prompt holds what is masked.</summary>
    SecretSeen = 4,

    /// <summary>A prompt has other marks than its turns have, spelled out or as their ids.</summary>
    Marks = 8,

    /// <summary>A prompt has characters that no reader sees.</summary>
    Hidden = 16,
}
