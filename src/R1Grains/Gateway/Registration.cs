using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.DataProtection;
using R1Grains.Conversations;
using R1Grains.Operations;

namespace R1Grains.Gateway;

public static class Registration
{
    private const int MaxRequestBytes = 1024 * 1024;

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
        routes.MapGrpcService<ConversationEndpoint>().Add(NameTooLarge);
        routes.MapGrpcService<TurnEndpoint>().Add(NameTooLarge);
        routes.MapGrpcService<HealthEndpoint>();
        routes.MapGrpcReflectionService().Add(EndWithDrain);
    }

    /// <summary>gRPC refuses a message beyond the bound before any interceptor sees the call, so its status is named here.</summary>
    private static void NameTooLarge(EndpointBuilder endpoint)
    {
        var serve = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = async http =>
        {
            await serve(http);
            var headers = http.Response.Headers;
            if (http.Response.HasStarted || headers.GrpcStatus != StatusCode.ResourceExhausted.ToString("D") || headers.ContainsKey("grpc-status-details-bin"))
                return;
            var status = Faults.Status(
                new Refusal(Reason.InputTooLong, $"the request is larger than {MaxRequestBytes} bytes: send less").With("limit_bytes", MaxRequestBytes.ToString(CultureInfo.InvariantCulture)),
                Faults.LanguageOf(http.Request.Headers.AcceptLanguage));
            (headers.GrpcStatus, headers.GrpcMessage) = (status.Code.ToString(CultureInfo.InvariantCulture), status.Message);
            headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray());
        };
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
