using System.Globalization;
using System.Text;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>What the house says no with: to a request with a wrong field, and then by a conversation.</summary>
internal static class Refuse
{
    private const int QuotedCharacters = 100;

    public static RefusedException Field(Reason reason, string field, string detail) => new(new Refusal(reason, detail).With(Refusal.FieldKey, field));

    /// <summary>A caller's value as it may stand in a message: bounded, and one line of printable ASCII.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, QuotedCharacters)))
            quoted.Append(c is >= ' ' and <= '~' ? c : '?');
        return quoted.Append(text.Length > QuotedCharacters ? $"…' ({text.Length} characters)" : "'").ToString();
    }

    public static RefusedException Unserved(ConversationKey key) => new(new(
        Reason.TenantNotFound, $"tenants/{key.Tenant} is not served here: an operator creates it with 'r1 tenants create', or gives it a folder where R1__Tenants points and starts again"));

    public static RefusedException Missing(ConversationKey key) => new(new(Reason.ConversationNotFound, $"{key} does not exist"));

    public static RefusedException MissingTurn(ConversationKey key, int turn) => new(new(Reason.TurnNotFound, $"{key}/turns/{turn} does not exist"));

    public static RefusedException Unproved(ConversationKey key, int turn) => new(new(
        Reason.ProofPending, $"{key}/turns/{turn} stands in the record and not in the tenant's tree yet: ask again", RetryAfter: TimeSpan.FromSeconds(1)));

    public static RefusedException NotHeld(ConversationKey key, int turn) => new(new(Reason.HeldTurnNotFound, $"{key}/turns/{turn} does not wait for a person"));

    /// <summary>As a value: what an activation is lost for.</summary>
    public static Refusal Elsewhere(ConversationKey key, int turn) => new(
        Reason.StaleEpoch, $"{key}/turns/{turn} is written by another activation: send the same request again", RetryAfter: TimeSpan.FromSeconds(1));

    public static RefusedException Moving(ConversationKey key) => new(new(
        Reason.NodeDraining, $"{key} moves to another node: send the same request again, or resume the turn", RetryAfter: TimeSpan.FromSeconds(1)));

    public static RefusedException Completed(ConversationKey key) => new(new(Reason.ConversationCompleted, $"{key} is completed: create another conversation"));

    public static RefusedException Erased(ConversationKey key) => new(new(
        Reason.ConversationErased, $"what was said in {key} is erased: nobody can read it any more, and nothing more can be said in it; create another conversation"));

    public static RefusedException Restricted(ConversationKey key) => new(new(
        Reason.CustomerRestricted, $"{key} is a customer's whose words are about to be erased: nothing more is said in it, and who may read it has the permission read_restricted"));

    public static RefusedException RestrictedCustomer() => new(new(
        Reason.CustomerRestricted, "the customer's words are about to be erased: begin a conversation when that is done"));

    public static RefusedException Reused(string requestId) => Field(
        Reason.RequestIdReused, "request_id", $"request_id {requestId} was used for another request: send a new id with a new request");

    /// <param name="name">Of the proposal.</param>
    public static RefusedException Proposal(ProposalRefusedException refused, string name) => new(new(
        refused.Refusal switch
        {
            ProposalRefusal.NotFound => Reason.ProposalNotFound,
            ProposalRefusal.OwnProposal => Reason.AnotherPersonNeeded,
            ProposalRefusal.Ended => Reason.ProposalOutdated,
            _ => Reason.ProposalDecided,
        },
        $"{name}: {refused.Message}"));

    public static RefusedException Stale(int expected, int index) => new(new Refusal(
            Reason.StaleTurnIndex, $"expected_turn_index is {expected}, the next turn is {index}: read the turns before it, then send again")
        .With("turn_index", Number(index)));

    public static RefusedException InProgress(int? turn) => new(new(
        Reason.TurnInProgress, turn is null ? "another turn is about to begin" : $"turn {turn} is in progress: wait for its end, cancel it, or send with QUEUE or SUPERSEDE"));

    public static RefusedException QueueFull() => new(new(Reason.TurnQueueFull, $"{TurnQueue.WaitingMax} turns wait already: send again when one has ended"));

    public static RefusedException TooLate() => new(new(
        Reason.DeadlineTooShort, "the deadline passed while the turn waited for those before it: send the same request with a later deadline"));

    public static RefusedException TooLong(InputTooLongException input)
    {
        var refused = Field(Reason.InputTooLong, "input.text", $"input.text has at least {input.InputTokens} tokens, the window leaves {input.LimitTokens}: send less");
        return new(refused.Refusal.With("input_tokens", Number(input.InputTokens)).With("limit_tokens", Number(input.LimitTokens)));
    }

    public static RefusedException OutOfRange(long after, long last) => Field(
        Reason.SequenceOutOfRange, "after_sequence", $"after_sequence is {after}, the turn's last text is {last}: send the number of the last text you have");

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
