namespace R1Grains.Conversations;

public static class Registration
{
    /// <summary>Needs the record, the tenants and the router.</summary>
    /// <param name="turnTimeout">The longest a turn may take from its opening on.</param>
    public static IServiceCollection AddConversations(this IServiceCollection services, TimeSpan turnTimeout) => services
        .AddSingleton(provider => ActivatorUtilities.CreateInstance<ConversationParts>(provider, turnTimeout))
        .AddHostedService<OpenTurns>();
}
