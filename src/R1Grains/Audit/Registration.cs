using Microsoft.Extensions.DependencyInjection.Extensions;

namespace R1Grains.Audit;

public static class Registration
{
    /// <summary>What reads the record and tells who has read it. Needs the record and the router.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.TryAddSingleton<SearchKeys>();
        return services
            .AddSingleton<TurnReplay>()
            .AddSingleton<TranscriptSearch>()
            .AddSingleton<AuditEvents>()
            .AddSingleton<Readings>();
    }

    /// <summary>What follows the record. Needs the record.</summary>
    public static IServiceCollection AddTranscriptIndexing(this IServiceCollection services)
    {
        services.TryAddSingleton<SearchKeys>();
        return services.AddHostedService<TranscriptIndexing>();
    }
}
