using System.Diagnostics;

namespace R1Grains.Operations;

/// <summary>The host's own spans. Their attributes are ids and numbers, never words; of a trace that is not recorded there are none.</summary>
internal static class Tracing
{
    public const string Name = "R1Grains";

    private static readonly ActivitySource Source = new(Name, typeof(Tracing).Assembly.GetName().Version?.ToString(3));

    /// <summary>The span in which this runs, for what goes on elsewhere or later; default for none.</summary>
    public static ActivityContext Here => Activity.Current?.Context ?? default;

    /// <summary>
    /// A span of work that no call holds, below the one that asked for it; the first of a trace where there is none. What
    /// runs here from now on is part of it, and not of whatever happened to start this flow. Null where it is not recorded;
    /// then the trace's id is in the log all the same.
    /// </summary>
    /// <param name="asked">When the span begins, which may have been some time ago.</param>
    public static Activity? Begin(string name, ActivityContext parent, DateTimeOffset asked)
    {
        Activity.Current = null;
        if (parent == default || parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded))
            if (Source.StartActivity(name, ActivityKind.Internal, parent, startTime: asked) is { } span) return span;
        if (parent != default) new Activity(name) { IsAllDataRequested = false }.SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags).Start();
        return null;
    }

    /// <summary>The span in which this runs, if somebody wants to know more of it.</summary>
    public static Activity? Span => Activity.Current is { IsAllDataRequested: true } span ? span : null;

    /// <summary>A part of the span in which this runs.</summary>
    public static Activity? Part(string name, ActivityKind kind = ActivityKind.Internal) =>
        Span is { Recorded: true } ? Source.StartActivity(name, kind) : null;

    /// <param name="error">In the form of <c>error.type</c>: one of few names.</param>
    public static void Fail(this Activity? span, string error) => span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", error);
}
