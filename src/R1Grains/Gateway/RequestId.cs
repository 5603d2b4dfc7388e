using R1Grains.Access;
using R1Grains.Conversations;

namespace R1Grains.Gateway;

internal static class RequestId
{
    private const int MaxLength = 64;

    /// <summary>The id itself: 1 to 64 visible ASCII characters.</summary>
    public static string Parse(string text)
    {
        if (text.Length == 0)
            throw Refuse.Field(Reason.MissingRequestId, "request_id", "request_id is missing: give every request that changes something its own id (best a UUID), and send the same id when you retry it");
        if (text.Length > MaxLength || text.Any(c => c is < '!' or > '~'))
            throw Refuse.Field(Reason.InvalidArgument, "request_id", $"request_id {Refuse.Quote(text)} is not 1 to {MaxLength} visible ASCII characters");
        return text;
    }
}
