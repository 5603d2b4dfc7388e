namespace R1Grains.Access;

public static class Registration
{
    /// <summary>
    /// Callers are known by tokens of the OpenID Connect issuer that is set, by keys of the registry, and by tokens of the
    /// development issuer where that is trusted; then, on loopback only, the caller without one is <see cref="Caller.Development"/>.
    /// </summary>
    /// <exception cref="Operations.StartFailure">The issuer's file of keys cannot be used.</exception>
    public static IServiceCollection AddAccess(this IServiceCollection services, Settings settings)
    {
        if (settings.TrustsDevelopmentIssuer)
        {
            services
                .AddSingleton(_ => new DevelopmentIssuer(settings.Data))
                .AddSingleton<TokenIssuer, DevelopmentTokens>();
        }
        if (settings.Oidc is { } oidc)
            services.AddSingleton<TokenIssuer>(new OidcIssuer(oidc));
        return services
            .AddSingleton(new LocalCaller(settings.LoopbackOnly && settings.TrustsDevelopmentIssuer ? Caller.Development : null))
            .AddSingleton<BearerTokens>()
            .AddSingleton<Grants>()
            .AddHostedService(provider => provider.GetRequiredService<Grants>())
            .AddSingleton<Denials>()
            .AddHostedService(provider => provider.GetRequiredService<Denials>())
            .AddSingleton<Callers>();
    }
}
