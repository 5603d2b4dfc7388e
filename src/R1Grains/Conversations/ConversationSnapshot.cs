using R1Grains.Inference;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>
/// What an activation leaves to the next one beside the record: no text, and nothing that could not be lost. Names and
/// numbers are kept for good; a member that is added gets the next number.
/// </summary>
[GenerateSerializer, Alias("r1.ConversationSnapshot")]
public sealed class ConversationSnapshot
{
    /// <summary>Raised when what is stored changes its meaning.</summary>
    public const int Known = 1;

    [Id(0)]
    public int Version { get; set; } = Known;

    /// <summary>Turns of the record when this was written. A record with fewer has lost some.</summary>
    [Id(1)]
    public int Turns { get; set; }

    /// <summary>The device that answered last.</summary>
    [Id(2)]
    public string? Device { get; set; }

    /// <summary>Tokens of the conversation that this device has computed.</summary>
    [Id(3)]
    public int PrefixTokens { get; set; }

    public Prefix? Prefix => Device is null ? null : new(Device, PrefixTokens);

    /// <exception cref="RefusedException">It was written by a newer program.</exception>
    public void RequireKnown(ConversationKey key)
    {
        if (Version > Known)
            throw new RefusedException(new(Reason.NodeUnavailable, $"the snapshot of {key} has version {Version}, this program knows version {Known}: let a newer node hold it", RetryAfter: TimeSpan.FromSeconds(5)));
    }

    /// <exception cref="RefusedException">The record is shorter than it was.</exception>
    public void RequireWhole(Conversation conversation)
    {
        if (conversation.TurnCount < Turns)
            throw new RefusedException(new(Reason.RecordUnavailable, $"the record of {conversation.Key} has {conversation.TurnCount} turns and had {Turns}: an older copy of the database is being served; bring back the newer one", RetryAfter: TimeSpan.FromSeconds(30)));
    }
}
