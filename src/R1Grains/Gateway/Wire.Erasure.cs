using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Retention;

namespace R1Grains.Gateway;

/// <summary>What must be kept, and what must go.</summary>
internal static partial class Wire
{
    public static V1.LegalHold ToWire(this LegalHold hold) => new()
    {
        Name = hold.Name,
        Covers = hold.Extent.Resource(hold.Tenant),
        Purpose = hold.Why,
        PlacedBy = hold.PlacedBy,
        PlaceTime = hold.PlacedAt.ToTimestamp(),
        TooLateFor = { hold.TooLateFor },
        ReleaseTime = hold.Release?.At.ToTimestamp(),
        ReleasedBy = hold.Release?.By ?? "",
        ReleasePurpose = hold.Release?.Why ?? "",
    };

    /// <param name="isWhole">With the names of the conversations.</param>
    public static V1.Erasure ToWire(this RequestedErasure asked, DateTimeOffset now, bool isWhole)
    {
        var (proposal, erasure) = (asked.Proposal, asked.Erasure);
        return new()
        {
            Name = asked.Name,
            State = StateOf(asked, now),
            Covers = asked.Extent?.Resource(proposal.Tenant) ?? proposal.Resource,
            RequestedBy = proposal.Proposer,
            RequestTime = proposal.Proposed.ToTimestamp(),
            Purpose = proposal.Purpose,
            Hash = $"{proposal.PayloadHash}",
            WhenDue = asked.Waits,
            DecidedBy = proposal.DecidedBy ?? "",
            DecideTime = proposal.DecidedAt?.ToTimestamp(),
            LegalHold = asked.Obstacle?.Hold?.Name ?? "",
            KeepUntil = asked.Obstacle?.Until?.ToTimestamp(),
            Keys = erasure?.Keys.Count ?? 0,
            ConversationCount = erasure?.Parts.Count ?? 0,
            Turns = erasure?.Turns ?? 0,
            Conversations = { isWhole && erasure is not null ? erasure.Parts.Select(part => $"tenants/{proposal.Tenant}/conversations/{part.Conversation}") : [] },
            Exports = { erasure?.Exports ?? [] },
            EraseTime = erasure?.Erased?.ToTimestamp(),
            Certificate = erasure?.Certificate ?? "",
        };
    }

    public static Refusal ToRefusal(this ErasureRefusedException refused) => refused.Refusal switch
    {
        ErasureRefusal.Held => new Refusal(Reason.LegalHoldInForce, refused.Message).With("legal_hold", refused.Obstacle!.Hold!.Name),
        ErasureRefusal.Retained => new Refusal(Reason.RetentionRunning, $"{refused.Message}; with when_due it is erased then")
            .With("until", refused.Obstacle!.Until!.Value.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)).With("channel", refused.Obstacle.Channel!),
        ErasureRefusal.OfCustomer => new Refusal(Reason.InvalidArgument, refused.Message).With(Refusal.FieldKey, "conversation_name"),
        _ => new Refusal(Reason.NothingToErase, refused.Message),
    };

    private static V1.Erasure.Types.State StateOf(RequestedErasure asked, DateTimeOffset now) => (asked.Erasure?.State, asked.Proposal.State) switch
    {
        (ErasureState.Restricted, _) => V1.Erasure.Types.State.Restricted,
        (ErasureState.Destroying, _) => V1.Erasure.Types.State.Destroying,
        (ErasureState.Erased, _) => V1.Erasure.Types.State.Erased,
        (_, ProposalState.Rejected) => V1.Erasure.Types.State.Rejected,
        _ => now < asked.Proposal.Ends ? V1.Erasure.Types.State.Requested : V1.Erasure.Types.State.Ended,
    };
}
