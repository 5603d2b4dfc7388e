namespace R1Grains.Conversations;

public static class Registration
{
    /// <summary>Needs the record, the tenants and the router.</summary>
    public static IServiceCollection AddConversations(this IServiceCollection services) => services
        .AddSingleton<ConversationParts>()
        .AddHostedService<OpenTurns>();
}
