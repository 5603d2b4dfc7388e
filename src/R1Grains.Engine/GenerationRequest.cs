using System.Diagnostics;

namespace R1Grains.Engine;

/// <summary>A reply to be generated, from its beginning or on from ids recorded earlier.</summary>
public sealed record GenerationRequest
{
    /// <summary>Names the request in errors.</summary>
    public required string Id { get; init; }

    /// <summary>At least two ids.</summary>
    public required int[] Prompt { get; init; }

    /// <summary>
    /// All ids of the reply sampled earlier. The reply goes on right after them with the same randomness, penalties,
    /// limits and stops as if it had never been interrupted; they are not emitted again.
    /// </summary>
    public int[] Recorded { get; init; } = [];

    public required SamplingOptions Sampling { get; init; }

    /// <summary>
    /// Whose prompts may share computed prefixes: tenant and release. Prefixes are never reused across scopes, so that
    /// nobody can tell from the time to the first token what another tenant asks.
    /// </summary>
    public required string Scope { get; init; }

    public Priority Priority { get; init; } = Priority.Interactive;

    /// <summary>When the reply ends, complete or not.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>The span that the request is part of. If it is recorded, what the device does is told by spans below it.</summary>
    public ActivityContext Trace { get; init; }
}

public enum Priority : byte
{
    /// <summary>Somebody waits for the answer.</summary>
    Interactive,

    /// <summary>Goes on when there is room beside the interactive ones, but is never starved.</summary>
    Batch,
}
