using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using R1Grains.Access;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Knowledge;
using R1Grains.Operations;

namespace R1Grains.Gateway;

public static class Registration
{
    /// <summary>Unpacked.</summary>
    private const int MaxRequestBytes = 1024 * 1024;

    /// <summary>What clients take by default; pages end far before.</summary>
    private const int MaxResponseBytes = 4 * 1024 * 1024;

    public static IServiceCollection AddGateway(this IServiceCollection services, Settings settings)
    {
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxRequestBytes;
            grpc.MaxSendMessageSize = MaxResponseBytes;
            grpc.Interceptors.Add<FaultInterceptor>();
            grpc.Interceptors.Add<AccessInterceptor>();
            grpc.Interceptors.Add<LimitInterceptor>();
        });
        services.AddGrpcReflection();
        var keys = services.AddDataProtection().SetApplicationName("r1grains");
        if (settings.Postgres is { } postgres) keys.Services.Configure<KeyManagementOptions>(options => options.XmlRepository = new GatewayKeys(postgres));
        else keys.PersistKeysToFileSystem(new(Path.Combine(settings.Data, "keys")));
        return services
            .AddSingleton<Faults>()
            .AddSingleton<FaultInterceptor>()
            .AddSingleton<AccessInterceptor>()
            .AddSingleton(provider => new Limits(settings.Limits, provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<LimitInterceptor>()
            .AddSingleton<TokenCount>()
            .AddSingleton<PageTokens>();
    }

    public static void MapGateway(this IEndpointRouteBuilder routes)
    {
        routes.MapGrpcService<ConversationEndpoint>().Add(NameUnread);
        routes.MapGrpcService<TurnEndpoint>().Add(NameUnread);
        routes.MapGrpcService<TranscriptEndpoint>().Add(NameUnread);
        routes.MapGrpcService<AccessEndpoint>().Add(NameUnread);
        routes.MapGrpcService<GuardrailEndpoint>().Add(NameUnread);
        routes.MapGrpcService<TenantEndpoint>().Add(NameUnread);
        routes.MapGrpcService<KeyEndpoint>().Add(NameUnread);
        routes.MapGrpcReflectionService().Add(endpoint =>
        {
            endpoint.Metadata.Add(new AsksOfAllAttribute(Permission.InspectContract));
            EndWithDrain(endpoint);
        });
    }

    /// <summary>gRPC refuses a message beyond the bound, or one that it cannot decode, before any interceptor sees the call, so their status is named here.</summary>
    private static void NameUnread(EndpointBuilder endpoint)
    {
        var serve = endpoint.RequestDelegate!;
        endpoint.RequestDelegate = async http =>
        {
            await serve(http);
            var headers = http.Response.Headers;
            if (http.Response.HasStarted || headers.ContainsKey("grpc-status-details-bin") || Unread(headers.GrpcStatus) is not { } refusal)
                return;
            var status = Faults.Status(refusal, Faults.LanguageOf(http.Request.Headers.AcceptLanguage));
            (headers.GrpcStatus, headers.GrpcMessage) = (status.Code.ToString(CultureInfo.InvariantCulture), status.Message);
            headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray());
        };
    }

    private static Refusal? Unread(string? status) =>
        status == StatusCode.ResourceExhausted.ToString("D")
            ? new Refusal(Reason.InputTooLong, $"the request is larger than {MaxRequestBytes} bytes: send less").With("limit_bytes", MaxRequestBytes.ToString(CultureInfo.InvariantCulture))
        // Whatever an endpoint throws has its own status by then.
        : status == StatusCode.Unknown.ToString("D")
            ? new(Reason.InvalidArgument, "the request is no message of the contract: encode it from protos/, with strings in UTF-8")
        : status == StatusCode.Internal.ToString("D")
            ? new(Reason.InvalidArgument, "the request is not framed as gRPC frames a message: it has another length than the five bytes before it say, or is marked as compressed without a grpc-encoding")
        : null;

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
