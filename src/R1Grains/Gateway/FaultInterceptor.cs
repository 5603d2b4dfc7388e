using Grpc.Core;
using Grpc.Core.Interceptors;

namespace R1Grains.Gateway;

/// <summary>Lets whatever rises from an endpoint pass through <see cref="Faults"/>, and says in the log what the call is about.</summary>
public sealed class FaultInterceptor(Faults faults, TimeProvider time, ILogger<FaultInterceptor> log) : Interceptor
{
    /// <summary>Where the silo of a grain was lost the next attempt finds the grain elsewhere.</summary>
    private const int Attempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Every method may be repeated: what changes something carries a request id.</summary>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        using var scope = Log.InCall(log, request);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await continuation(request, context);
            }
            catch (OrleansException) when (attempt < Attempts && !context.CancellationToken.IsCancellationRequested)
            {
                await Task.Delay(Pause, time, CancellationToken.None);
            }
            catch (Exception exception)
            {
                throw faults.Translate(exception, context);
            }
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        using var scope = Log.InCall(log, request);
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception exception)
        {
            throw faults.Translate(exception, context);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(requestStream, context);
        }
        catch (Exception exception)
        {
            throw faults.Translate(exception, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception)
        {
            throw faults.Translate(exception, context);
        }
    }
}
