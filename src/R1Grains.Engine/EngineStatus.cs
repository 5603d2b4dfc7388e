namespace R1Grains.Engine;

/// <summary>An engine at one moment.</summary>
/// <param name="Waiting">Not yet admitted to a row, or put aside for more urgent ones.</param>
/// <param name="Paused">Those of the waiting that were put aside.</param>
/// <param name="QueuedTokens">Prompt ids still to be computed, of running and waiting requests.</param>
/// <param name="KvTokens">Positions reserved for running requests, of <paramref name="KvCapacity"/>.</param>
/// <param name="ParkedTokens">Positions of computed prefixes that are kept for later prompts; they make room when requests need it.</param>
/// <param name="PrefixTokensQueried">Prompt ids for which a computed prefix was looked for, since the start.</param>
/// <param name="PrefixTokensReused">Those of them that were found.</param>
/// <param name="Fault">What made the last run fail; null as soon as a run succeeds.</param>
public readonly record struct EngineStatus(
    int Running,
    int Waiting,
    int Paused,
    int Rows,
    int QueueLimit,
    int QueuedTokens,
    int KvTokens,
    int ParkedTokens,
    int KvCapacity,
    long PrefixTokensQueried,
    long PrefixTokensReused,
    string? Fault);
