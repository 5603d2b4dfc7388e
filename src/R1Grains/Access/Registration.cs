using Microsoft.AspNetCore.Authentication.JwtBearer;

namespace R1Grains.Access;

public static class Registration
{
    /// <summary>Callers are known by tokens of the development issuer; on loopback only, the caller without one is <see cref="Caller.Development"/>.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, Settings settings)
    {
        services
            .AddSingleton(new Callers(settings.LoopbackOnly ? Caller.Development : null))
            .AddSingleton(_ => new DevelopmentIssuer(settings.Data))
            .AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<DevelopmentIssuer>((bearer, issuer) =>
            {
                bearer.MapInboundClaims = false;
                bearer.TokenValidationParameters = issuer.Validation;
            });
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        return services;
    }
}
