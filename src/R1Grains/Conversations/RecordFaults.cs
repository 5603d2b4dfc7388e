using R1Grains.Ledger;

namespace R1Grains.Conversations;

/// <summary>The record's exceptions in the house's terms.</summary>
internal static class RecordFaults
{
    /// <summary>Null for an exception that is not the record's.</summary>
    public static Refusal? Refusal(Exception exception) => exception switch
    {
        StaleEpochException => new(Reason.StaleEpoch, $"{exception.Message} Send the same request again, or resume the turn.", RetryAfter: TimeSpan.FromSeconds(1)),
        RecordConflictException => new(Reason.RecordConflict, exception.Message),
        ConversationErasedException erased => Refuse.Erased(erased.Key).Refusal,
        RecordUnavailableException => new(Reason.RecordUnavailable, exception.Message, RetryAfter: TimeSpan.FromSeconds(5)),
        _ => null,
    };

    public static async Task<T> Translate<T>(Task<T> task)
    {
        try
        {
            return await task;
        }
        catch (Exception e) when (Refusal(e) is { } refusal)
        {
            throw new RefusedException(refusal);
        }
    }
}
