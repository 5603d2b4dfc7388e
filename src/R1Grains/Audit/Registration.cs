using Microsoft.Extensions.DependencyInjection.Extensions;
using R1Grains.Ledger;
using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Retention;

namespace R1Grains.Audit;

public static class Registration
{
    /// <summary>What reads the record and tells who has read it. Needs the record and the router.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.TryAddSingleton<SearchKeys>();
        return services
            .AddSingleton<TurnReplay>()
            .AddSingleton<LedgerVerifications>()
            .AddSingleton<TranscriptSearch>()
            .AddSingleton<AuditEvents>()
            .AddRestrictions()
            .AddSingleton<Readings>();
    }

    /// <summary>What may be erased, and what must not be. Needs the record, its keys and the registry.</summary>
    public static IServiceCollection AddErasure(this IServiceCollection services, RetentionRules rules) => services
        .AddSingleton(rules)
        .AddSingleton<LegalHolds>()
        .AddSingleton(provider => new ExportRegister((StoredRecord)provider.GetRequiredService<IRecord>(), provider.GetRequiredService<LegalHolds>(), provider.GetRequiredService<TimeProvider>()))
        .AddSingleton(provider => new Erasures((StoredRecord)provider.GetRequiredService<IRecord>(), rules, provider.GetRequiredService<LegalHolds>(), provider.GetRequiredService<TimeProvider>()));

    /// <summary>What erases. Needs the above, the router and grains.</summary>
    public static IServiceCollection AddErasing(this IServiceCollection services) => services.AddHostedService<ErasureRounds>();

    /// <summary>What replaces keys. Needs the record, its keys and grains.</summary>
    public static IServiceCollection AddKeyRotation(this IServiceCollection services) => services.AddHostedService<KeyRotationRounds>();

    /// <summary>What finds the turns of exports. Needs the above, the search index and grains.</summary>
    public static IServiceCollection AddExporting(this IServiceCollection services) => services
        .AddSingleton<ExportSearch>()
        .AddSingleton<ExportsUnderWay>()
        .AddHostedService<ExportFeed>()
        .AddHostedService<ExportRounds>();

    /// <summary>Needs the registry.</summary>
    public static IServiceCollection AddRestrictions(this IServiceCollection services)
    {
        services.TryAddSingleton<Restrictions>();
        return services.AddHostedService<RestrictionFeed>();
    }

    /// <summary>What follows the record. Needs the record.</summary>
    public static IServiceCollection AddTranscriptIndexing(this IServiceCollection services)
    {
        services.TryAddSingleton<SearchKeys>();
        return services.AddHostedService<TranscriptIndexing>();
    }
}
