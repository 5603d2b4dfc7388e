namespace R1Grains.Ledger;

/// <summary>Names a conversation. Both parts are compared byte by byte.</summary>
public readonly record struct ConversationKey(string Tenant, string Conversation)
{
    public override string ToString() => $"tenants/{Tenant}/conversations/{Conversation}";
}
