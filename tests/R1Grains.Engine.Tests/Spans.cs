using System.Collections.Concurrent;
using System.Diagnostics;

namespace R1Grains.Engine.Tests;

/// <summary>Keeps the engine's spans of one trace.</summary>
internal sealed class Spans : IDisposable
{
    private readonly ActivityListener _listener;
    private readonly ConcurrentQueue<Activity> _ended = [];

    public Spans(bool isRecorded = true)
    {
        Parent = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), isRecorded ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None, isRemote: true);
        _listener = new()
        {
            ShouldListenTo = source => source.Name == "R1Grains.Engine",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == Parent.TraceId) _ended.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>The span that a request is part of.</summary>
    public ActivityContext Parent { get; }

    public IReadOnlyList<Activity> Ended => [.. _ended];

    public Activity Of(string name) => Assert.Single(_ended, span => span.DisplayName == name);

    public void Dispose() => _listener.Dispose();
}
