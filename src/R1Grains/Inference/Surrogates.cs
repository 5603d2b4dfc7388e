using System.Diagnostics;
using R1Grains.Engine;

namespace R1Grains.Inference;

// The engine knows nothing of Orleans; these carry its types between silos.

[GenerateSerializer, Alias("r1.GenerationRequest")]
internal struct GenerationRequestSurrogate
{
    [Id(0)] public string Name;
    [Id(1)] public int[] Prompt;
    [Id(2)] public int[] Recorded;
    [Id(3)] public float Temperature;
    [Id(4)] public float TopP;
    [Id(5)] public int TopK;
    [Id(6)] public float RepetitionPenalty;
    [Id(7)] public ulong Seed;
    [Id(8)] public int MaxTokens;
    [Id(9)] public int? ReasoningBudget;
    [Id(10)] public string[] StopStrings;
    [Id(11)] public DateTimeOffset? Deadline;
    [Id(12)] public string Scope;
    [Id(13)] public Priority Priority;
    [Id(14)] public ActivityContext Trace;
}

[RegisterConverter]
internal sealed class GenerationRequestConverter : IConverter<GenerationRequest, GenerationRequestSurrogate>
{
    public GenerationRequest ConvertFromSurrogate(in GenerationRequestSurrogate surrogate) => new()
    {
        Id = surrogate.Name,
        Prompt = surrogate.Prompt,
        Recorded = surrogate.Recorded,
        Deadline = surrogate.Deadline,
        Scope = surrogate.Scope,
        Priority = surrogate.Priority,
        Trace = surrogate.Trace,
        Sampling = new()
        {
            Temperature = surrogate.Temperature,
            TopP = surrogate.TopP,
            TopK = surrogate.TopK,
            RepetitionPenalty = surrogate.RepetitionPenalty,
            Seed = surrogate.Seed,
            MaxTokens = surrogate.MaxTokens,
            ReasoningBudget = surrogate.ReasoningBudget,
            StopStrings = surrogate.StopStrings,
        },
    };

    public GenerationRequestSurrogate ConvertToSurrogate(in GenerationRequest value) => new()
    {
        Name = value.Id,
        Prompt = value.Prompt,
        Recorded = value.Recorded,
        Deadline = value.Deadline,
        Scope = value.Scope,
        Priority = value.Priority,
        Trace = value.Trace,
        Temperature = value.Sampling.Temperature,
        TopP = value.Sampling.TopP,
        TopK = value.Sampling.TopK,
        RepetitionPenalty = value.Sampling.RepetitionPenalty,
        Seed = value.Sampling.Seed,
        MaxTokens = value.Sampling.MaxTokens,
        ReasoningBudget = value.Sampling.ReasoningBudget,
        StopStrings = [.. value.Sampling.StopStrings],
    };
}

[GenerateSerializer, Alias("r1.Emission")]
internal struct EmissionSurrogate
{
    [Id(0)] public EmissionKind Kind;
    [Id(1)] public int First;
    [Id(2)] public int Second;
    [Id(3)] public FinishReason Finish;
    [Id(4)] public int PromptTokens;
    [Id(5)] public int ReasoningTokens;
    [Id(6)] public int AnswerTokens;
    [Id(7)] public string? StopString;
    [Id(8)] public string? Error;
}

[RegisterConverter]
internal sealed class EmissionConverter : IConverter<Emission, EmissionSurrogate>
{
    public Emission ConvertFromSurrogate(in EmissionSurrogate surrogate) => surrogate.Kind switch
    {
        EmissionKind.Queued => Emission.Queued(surrogate.First),
        EmissionKind.Prefilling => Emission.Prefilling(surrogate.First, surrogate.Second),
        EmissionKind.Token => Emission.Token(surrogate.First),
        EmissionKind.Finished => Emission.Finished(new(
            surrogate.Finish, new(surrogate.PromptTokens, surrogate.ReasoningTokens, surrogate.AnswerTokens), surrogate.StopString, surrogate.Error)),
        // A newer device's: whoever does not know it must not take it for an end.
        _ => throw new NotSupportedException($"An emission of kind {(int)surrogate.Kind} is not known to this version."),
    };

    public EmissionSurrogate ConvertToSurrogate(in Emission value) => value.Completion is { } completion
        ? new()
        {
            Kind = value.Kind,
            Finish = completion.Reason,
            PromptTokens = completion.Usage.PromptTokens,
            ReasoningTokens = completion.Usage.ReasoningTokens,
            AnswerTokens = completion.Usage.AnswerTokens,
            StopString = completion.StopString,
            Error = completion.Error,
        }
        : new() { Kind = value.Kind, First = value.Done, Second = value.Total };
}
