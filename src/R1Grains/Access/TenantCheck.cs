using Orleans.Runtime;
using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Access;

/// <summary>
/// Asked again where words lie. The gateway sends with each call the tenant of whom it let through; calls of the house
/// itself have none.
/// </summary>
internal static class TenantCheck
{
    public const string Key = "r1.tenant";

    /// <exception cref="RefusedException">As missing.</exception>
    public static void Require(ConversationKey conversation)
    {
        if (RequestContext.Get(Key) is string tenant && tenant != conversation.Tenant)
            throw Refuse.Missing(conversation);
    }
}
