using R1Grains.Audit;
using R1Grains.Cluster;
using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;

namespace R1Grains.Conversations;

/// <summary>What every conversation works with.</summary>
/// <param name="TurnTimeout">The longest a turn may take from its opening on.</param>
/// <param name="RestAfter">So long after its last turn a conversation lets go of what was said.</param>
public sealed record ConversationParts(
    IRecord Record,
    KeyRing Keys,
    InferenceRouter Router,
    Model Model,
    Tenants Tenants,
    HeldTurns Held,
    Restrictions Restrictions,
    GuardrailMeter Kept,
    Nodes Nodes,
    TimeProvider Time,
    TimeSpan TurnTimeout,
    TimeSpan RestAfter,
    LiveTurns Live,
    ILogger<ConversationGrain> Log)
{
    /// <summary>Whether this silo is about to stop, so that new turns belong elsewhere.</summary>
    public bool IsLeaving => Nodes.IsLeaving(Nodes.Here);

    /// <summary>In whole microseconds, as the record keeps it, so that an event is told with the same time ever after.</summary>
    public DateTimeOffset Now => new(Time.GetUtcNow().Ticks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
}
