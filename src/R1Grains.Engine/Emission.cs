namespace R1Grains.Engine;

/// <summary>The numbers travel between processes of different versions.</summary>
public enum EmissionKind : byte
{
    Queued = 1,
    Prefilling = 2,
    Token = 3,
    Finished = 4,
}

public enum FinishReason
{
    /// <summary>A stop id or a stop string.</summary>
    Stop,

    /// <summary><see cref="SamplingOptions.MaxTokens"/> reached.</summary>
    Length,

    /// <summary>As <see cref="Stop"/>, after the reasoning had been cut at its budget.</summary>
    ReasoningBudget,
    Cancelled,
    Deadline,
    Failed,
}

/// <param name="ReasoningTokens">Ids of the reasoning, its tags included.</param>
/// <param name="AnswerTokens">All other ids, the end id included. The two together are all ids of the reply, recorded ones included.</param>
public readonly record struct Usage(int PromptTokens, int ReasoningTokens, int AnswerTokens);

/// <param name="StopString">The stop string that ended the answer. Its ids were emitted; the reader trims with <see cref="StopStrings"/>.</param>
/// <param name="Error">What failed, when <paramref name="Reason"/> is <see cref="FinishReason.Failed"/>.</param>
public sealed record Completion(FinishReason Reason, Usage Usage, string? StopString = null, string? Error = null);

/// <summary>One thing that happened to a request; the last is always <see cref="EmissionKind.Finished"/>.</summary>
public readonly record struct Emission
{
    private readonly int _first;
    private readonly int _second;

    private Emission(EmissionKind kind, int first = 0, int second = 0, Completion? completion = null) =>
        (Kind, _first, _second, Completion) = (kind, first, second, completion);

    public EmissionKind Kind { get; }

    /// <summary><see cref="EmissionKind.Queued"/>: requests that wait ahead of this one.</summary>
    public int Position => _first;

    /// <summary><see cref="EmissionKind.Token"/>: the id, stop ids included.</summary>
    public int TokenId => _first;

    /// <summary><see cref="EmissionKind.Prefilling"/>: ids of the prompt computed so far, of <see cref="Total"/>.</summary>
    public int Done => _first;

    public int Total => _second;

    /// <summary>Set when <see cref="EmissionKind.Finished"/>.</summary>
    public Completion? Completion { get; }

    public static Emission Queued(int position) => new(EmissionKind.Queued, position);

    public static Emission Prefilling(int done, int total) => new(EmissionKind.Prefilling, done, total);

    public static Emission Token(int id) => new(EmissionKind.Token, id);

    public static Emission Finished(Completion completion) => new(EmissionKind.Finished, completion: completion);
}
