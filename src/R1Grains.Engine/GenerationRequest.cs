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

    /// <summary>When the reply ends, complete or not.</summary>
    public DateTimeOffset? Deadline { get; init; }
}
