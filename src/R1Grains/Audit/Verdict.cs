using System.Collections.Immutable;
using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Audit;

/// <summary>What came of a replay: identical unless there is a difference or an obstacle.</summary>
/// <param name="Present">What is served now.</param>
/// <param name="PresentNumerics">Of the devices at hand.</param>
/// <param name="Recorded">Tokens of the recorded reply.</param>
/// <param name="Compared">Tokens that were sampled again and found identical.</param>
public sealed record Verdict(
    TurnRecord Turn,
    Model Present,
    ImmutableSortedSet<string> PresentNumerics,
    IReadOnlyList<Segment> Segments,
    int Recorded,
    int Compared = 0,
    Difference? Difference = null,
    Obstacle? Obstacle = null);

/// <param name="Index">Position in the reply, from 0.</param>
/// <param name="Recorded">Null where the recorded reply had ended.</param>
/// <param name="Replayed">Null where the replayed reply ended.</param>
public sealed record Difference(int Index, int? Recorded, int? Replayed);

/// <summary>Why a replay would prove nothing.</summary>
/// <param name="Detail">English, for the engineer: what was found, and what to do.</param>
public sealed record Obstacle(Incomparability Reason, string Detail);

public enum Incomparability
{
    NothingSampled,
    OtherModel,
    OtherTemplate,
    PromptMissing,
    PromptAltered,
    OtherNumerics,
}

/// <summary>
/// Tokens of a reply that one run of a device sampled, given the prompt and all tokens before them. Keys and values of
/// given tokens are computed in other bits than those of sampled ones, so a segment is replayed as it was run.
/// </summary>
/// <param name="First">Position in the reply.</param>
/// <param name="End">Position after the last.</param>
/// <param name="Numerics">Null where the record names no device.</param>
public sealed record Segment(int First, int End, Digest? Numerics)
{
    public static IReadOnlyList<Segment> Of(TurnOpened opened, TurnClosed closed, int tokens)
    {
        ResumePoint?[] points = [null, .. closed.ResumePoints];
        var ends = closed.ResumePoints.Select(point => Math.Min(point.Tokens, tokens)).Append(tokens);
        return [.. points.Zip(ends, (point, end) => new Segment(point?.Tokens ?? 0, end, point is null ? opened.Numerics : point.Numerics)).Where(segment => segment.First < segment.End)];
    }
}
