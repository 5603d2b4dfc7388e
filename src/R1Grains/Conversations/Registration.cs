using R1Grains.Audit;

namespace R1Grains.Conversations;

public static class Registration
{
    /// <summary>Needs the record and its keys, the tenants and the router.</summary>
    /// <param name="turnTimeout">The longest a turn may take from its opening on.</param>
    /// <param name="restAfter">So long after its last turn a conversation lets go of what was said; null for <see cref="ConversationGrain.RestAfter"/>.</param>
    public static IServiceCollection AddConversations(this IServiceCollection services, TimeSpan turnTimeout, TimeSpan? restAfter = null) => services
        .AddSingleton(provider => ActivatorUtilities.CreateInstance<ConversationParts>(provider, turnTimeout, restAfter ?? ConversationGrain.RestAfter))
        .AddHostedService<OpenTurns>()
        .AddRestrictions();
}
