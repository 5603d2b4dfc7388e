using Microsoft.AspNetCore.DataProtection;
using R1Grains.Operations;

namespace R1Grains.Gateway;

public static class Registration
{
    private const int MaxRequestBytes = 256 * 1024;

    public static IServiceCollection AddGateway(this IServiceCollection services, Settings settings)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxRequestBytes;
            grpc.Interceptors.Add<FaultInterceptor>();
        });
        services.AddGrpcReflection();
        services.AddDataProtection()
            .SetApplicationName("r1grains")
            .PersistKeysToFileSystem(new(Path.Combine(settings.Data, "keys")));
        return services
            .AddSingleton<Faults>()
            .AddSingleton<FaultInterceptor>()
            .AddSingleton<PageTokens>()
            .AddSingleton<Drain>()
            .AddHostedService(provider => provider.GetRequiredService<Drain>());
    }

    public static void MapGateway(this IEndpointRouteBuilder routes)
    {
        routes.MapGrpcService<ConversationEndpoint>();
        routes.MapGrpcService<TurnEndpoint>();
        routes.MapGrpcService<HealthEndpoint>();
        routes.MapGrpcReflectionService().Add(EndWithDrain);
    }

    /// <summary>Reflection is a stream that only its client ends, so a stopping node aborts it instead of waiting for it.</summary>
    private static void EndWithDrain(EndpointBuilder endpoint)
    {
        var serve = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = async http =>
        {
            await using var aborting = http.RequestServices.GetRequiredService<Drain>().Begun.Register(http.Abort);
            await serve(http);
        };
    }
}
