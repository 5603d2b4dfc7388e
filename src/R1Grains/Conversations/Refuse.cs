using System.Globalization;
using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>What a conversation says no with.</summary>
internal static class Refuse
{
    public static RefusedException Missing(ConversationKey key) => new(new(Reason.ConversationNotFound, $"{key} does not exist"));

    public static RefusedException MissingTurn(ConversationKey key, int turn) => new(new(Reason.TurnNotFound, $"{key}/turns/{turn} does not exist"));

    public static RefusedException Completed(ConversationKey key) => new(new(Reason.ConversationCompleted, $"{key} is completed: create another conversation"));

    public static RefusedException Reused(string requestId) => Field(
        Reason.RequestIdReused, "request_id", $"request_id {requestId} was used for another request: send a new id with a new request");

    public static RefusedException Stale(int expected, int index) => new(new Refusal(
            Reason.StaleTurnIndex, $"expected_turn_index is {expected}, the next turn is {index}: read the turns before it, then send again")
        .With("turn_index", Number(index)));

    public static RefusedException InProgress(int? turn) => new(new(
        Reason.TurnInProgress, turn is null ? "another turn is about to begin" : $"turn {turn} is in progress: wait for its end, cancel it, or send with QUEUE or SUPERSEDE"));

    public static RefusedException QueueFull() => new(new(Reason.TurnQueueFull, $"{TurnQueue.WaitingMax} turns wait already: send again when one has ended"));

    public static RefusedException TooLong(InputTooLongException input)
    {
        var refused = Field(Reason.InputTooLong, "input.text", $"input.text has at least {input.InputTokens} tokens, the window leaves {input.LimitTokens}: send less");
        return new(refused.Refusal.With("input_tokens", Number(input.InputTokens)).With("limit_tokens", Number(input.LimitTokens)));
    }

    public static RefusedException OutOfRange(long after, long last) => Field(
        Reason.SequenceOutOfRange, "after_sequence", $"after_sequence is {after}, the turn's last text is {last}: send the number of the last text you have");

    private static RefusedException Field(Reason reason, string field, string detail) => new(new Refusal(reason, detail).With(Refusal.FieldKey, field));

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
