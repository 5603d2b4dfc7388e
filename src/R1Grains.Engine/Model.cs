using R1Grains.Engine.Models;

namespace R1Grains.Engine;

/// <summary>What the engine and its callers know of a model apart from its weights.</summary>
/// <param name="Hash">64 hex digits that change with any file that decides tokens.</param>
/// <param name="ContextLength">Positions of prompt and reply together.</param>
/// <param name="StopIds">Ids that end a reply: the folder's and the template's.</param>
/// <param name="Defaults">The folder's own sampling settings.</param>
public sealed record Model(
    string Name,
    string Hash,
    int ContextLength,
    Tokenizer Tokenizer,
    ChatTemplate Template,
    IReadOnlyList<int> StopIds,
    SamplingOptions Defaults);
