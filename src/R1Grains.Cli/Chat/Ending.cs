using System.Globalization;
using R1Grains.V1;
using FinishReason = R1Grains.V1.Completed.Types.FinishReason;

namespace R1Grains.Cli;

/// <summary>How a turn ended, in words.</summary>
internal static class Ending
{
    /// <summary>Null where the answer simply ended.</summary>
    public static string? Note(FinishReason reason) => reason switch
    {
        FinishReason.Stop or FinishReason.ReasoningBudget => null,
        FinishReason.Length => "the answer was cut at its longest",
        FinishReason.Cancelled => "cancelled",
        FinishReason.Guardrail => "a policy ended or replaced the answer",
        FinishReason.Review => "it waits for a person; what they decide comes as a later turn",
        FinishReason.Interrupted => "interrupted: the server could not go on with the answer after a fault; what was shown is in the record",
        _ => reason.ToString(),
    };

    public static string Usage(Completed completed)
    {
        var (usage, context) = (completed.Usage, completed.ContextReport);
        var used = context.PolicyTokens + context.HistoryTokens + context.PassagesTokens + context.InputTokens;
        return string.Create(CultureInfo.InvariantCulture,
            $"{completed.FinishReason} · tokens: {usage.PromptTokens} prompt, {usage.ReasoningTokens} reasoning, {usage.AnswerTokens} answer · window {used}/{context.WindowTokens}, {context.TurnsKept} turns kept, {context.TurnsDropped} dropped · {completed.Release.Model} · entry {completed.Receipt.Index} {completed.Receipt.LeafHash[..Math.Min(12, completed.Receipt.LeafHash.Length)]}");
    }
}
