namespace R1Grains.Engine;

/// <summary>An engine at one moment; <c>Running + Waiting</c> is the load to compare engines by.</summary>
/// <param name="QueuedTokens">Prompt ids still to be computed, of running and waiting requests.</param>
/// <param name="KvTokens">Positions reserved for running requests, of <paramref name="KvCapacity"/>.</param>
/// <param name="PredictedWait">How long a request submitted now is expected to wait for a row.</param>
/// <param name="Fault">What made the last run fail; null as soon as a run succeeds.</param>
public sealed record EngineStatus(
    int Running,
    int Waiting,
    int Rows,
    int QueueLimit,
    int QueuedTokens,
    int KvTokens,
    int KvCapacity,
    TimeSpan PredictedWait,
    string? Fault);
