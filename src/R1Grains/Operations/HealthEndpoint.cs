using Grpc.Core;
using Grpc.Health.V1;
using R1Grains.Access;

namespace R1Grains.Operations;

/// <summary>
/// Tells the world whether this process serves (grpc.health.v1, per service name). A watch has no end of its own, so a
/// stopping node ends it, having told NOT_SERVING.
/// </summary>
public sealed class HealthEndpoint(Drain drain, Settings settings) : Health.HealthBase
{
    // The empty name stands for the process, whatever its roles.
    private readonly string[] _services = settings.Roles.HasFlag(Roles.Gateway)
        ? ["", V1.ConversationService.Descriptor.FullName, V1.TurnService.Descriptor.FullName, V1.TranscriptService.Descriptor.FullName, V1.GuardrailService.Descriptor.FullName, V1.AccessService.Descriptor.FullName, V1.TenantService.Descriptor.FullName, V1.KeyService.Descriptor.FullName]
        : [""];

    [AsksNothing]
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => _services.Contains(request.Service)
        ? Task.FromResult(Response(request.Service, drain.IsServing))
        : throw new RpcException(new(StatusCode.NotFound, $"service '{request.Service}' is not known: ask for one of {string.Join(", ", _services.Select(name => $"'{name}'"))}"));

    [AsksNothing]
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        HealthCheckResponse? told = null;
        await foreach (var serving in drain.Watch(context.CancellationToken))
            if (Response(request.Service, serving) is var response && !response.Equals(told))
                await responseStream.WriteAsync(told = response, context.CancellationToken);
    }

    private HealthCheckResponse Response(string service, bool serving) => new()
    {
        Status = !_services.Contains(service) ? HealthCheckResponse.Types.ServingStatus.ServiceUnknown
            : serving ? HealthCheckResponse.Types.ServingStatus.Serving
            : HealthCheckResponse.Types.ServingStatus.NotServing,
    };
}
