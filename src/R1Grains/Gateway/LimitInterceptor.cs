using Grpc.Core;
using Grpc.Core.Interceptors;
using R1Grains.Access;

namespace R1Grains.Gateway;

/// <summary>Asks <see cref="Limits"/> before anything else is done for a call that is let through.</summary>
public sealed class LimitInterceptor(Limits limits) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        using var call = Enter(request, context);
        return await continuation(request, context);
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var call = Enter(request, context);
        await continuation(request, responseStream, context);
    }

    /// <summary>Null for health and reflection, which are no caller's.</summary>
    private IDisposable? Enter<TRequest>(TRequest request, ServerCallContext context)
    {
        if (!context.Method.StartsWith("/r1grains.", StringComparison.Ordinal)) return null;
        var caller = context.Caller();
        var call = limits.Enter(caller);
        try
        {
            if (request is V1.SendTurnRequest or V1.StreamTurnRequest) limits.RequireTokens(caller);
            return call;
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }
}
