using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// How a turn is sampled, as recorded and as given to the engine. The engine's options always come from the recorded
/// settings, so that a turn that is continued samples as it began.
/// </summary>
internal static class Sampling
{
    public static SamplingSettings For(Model model, ContextWindow window, ConversationKey key, int turn, string requestId) => new()
    {
        Temperature = (decimal)model.Defaults.Temperature,
        TopP = (decimal)model.Defaults.TopP,
        TopK = model.Defaults.TopK,
        RepetitionPenalty = (decimal)model.Defaults.RepetitionPenalty,
        StopStrings = model.Defaults.StopStrings,
        Seed = Seed($"{key}\n{turn}\n{requestId}"),
        MaxTokens = window.Reserve,
        ReasoningBudget = window.ReasoningBudget,
    };

    /// <summary>What a device is asked for, at first and after a fault.</summary>
    /// <param name="recorded">Ids of the answer that are there already.</param>
    public static GenerationRequest Request(this TurnOpened opened, int[] prompt, int[] recorded) => new()
    {
        Id = $"{opened.Key}/turns/{opened.Turn}",
        Prompt = prompt,
        Recorded = recorded,
        Sampling = opened.Sampling.Options(),
        Scope = $"{opened.Key.Tenant}/{opened.Release.ModelHash}/{opened.Release.PolicyHash}",
        Deadline = opened.Deadline,
    };

    private static SamplingOptions Options(this SamplingSettings settings) => new()
    {
        Temperature = (float)settings.Temperature,
        TopP = (float)settings.TopP,
        TopK = settings.TopK,
        RepetitionPenalty = (float)settings.RepetitionPenalty,
        StopStrings = settings.StopStrings,
        Seed = settings.Seed,
        MaxTokens = settings.MaxTokens,
        ReasoningBudget = settings.ReasoningBudget,
    };

    private static ulong Seed(string text) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
