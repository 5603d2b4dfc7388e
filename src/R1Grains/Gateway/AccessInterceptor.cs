using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Orleans.Runtime;
using R1Grains.Access;
using R1Grains.Conversations;

namespace R1Grains.Gateway;

/// <summary>
/// Lets through whom a method's policy lets through. It comes before any code of an endpoint; a method without a policy is
/// refused to everybody.
/// </summary>
internal sealed class AccessInterceptor(Callers callers, Limits limits, Denials denials, TimeProvider time) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Enter(await Admit(request as IMessage, context), context);
        return await continuation(request, context);
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Enter(await Admit(request as IMessage, context), context);
        var isStanding = context.GetHttpContext().GetEndpoint()!.Metadata.GetMetadata<MethodPolicy>()!.IsStanding;
        await continuation(request, isStanding ? new AskedAgain<TResponse>(responseStream, async () => await Ask(request as IMessage, context), time) : responseStream, context);
    }

    /// <remarks>What such a stream is about comes only with its messages.</remarks>
    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Enter(await Admit(null, context), context);
        return await continuation(requestStream, context);
    }

    /// <inheritdoc cref="ClientStreamingServerHandler"/>
    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Enter(await Admit(null, context), context);
        await continuation(requestStream, responseStream, context);
    }

    /// <summary>Of a call that begins: it counts.</summary>
    private ValueTask<Admitted?> Admit(IMessage? request, ServerCallContext context) => Ask(request, context, limits.RequireRate);

    /// <param name="count">Whoever calls, before it is looked at what they may do; null where a call that was let through goes on.</param>
    private async ValueTask<Admitted?> Ask(IMessage? request, ServerCallContext context, Action<Caller>? count = null)
    {
        var http = context.GetHttpContext();
        var policy = http.GetEndpoint()?.Metadata.GetMetadata<MethodPolicy>()
            ?? throw new RefusedException(new(Reason.PermissionDenied, $"{context.Method} has no policy, so nobody may call it: this is a fault of the server"));
        if (policy is AsksNothingAttribute)
            return null;
        policy = policy.For(request);
        var resource = policy.Resource(request);
        Caller caller;
        try
        {
            caller = await callers.Of(http, resource);
        }
        catch (RefusedException refused) when (refused.Refusal.Reason is Reason.Unauthenticated)
        {
            denials.Unauthenticated(http.Connection.RemoteIpAddress);
            throw;
        }
        count?.Invoke(caller);
        try
        {
            policy.Require(caller, resource);
        }
        catch (RefusedException refused)
        {
            await denials.Denied(caller, context.Method, resource, Access.Access.Lacking(refused.Refusal) ?? policy.Permission);
            throw;
        }
        return new(caller, resource);
    }

    /// <remarks>Not in <see cref="Admit"/>: what an asynchronous method sets here ends with it.</remarks>
    private static void Enter(Admitted? admitted, ServerCallContext context)
    {
        if (admitted is null)
            return;
        context.UserState[typeof(Admitted)] = admitted;
        RequestContext.Set(TenantCheck.Key, admitted.Caller.Tenant);
    }
}

/// <summary>A stream that asks now and then, before it writes, whether its reader may still read. Whoever may not gets the refusal.</summary>
internal sealed class AskedAgain<T>(IServerStreamWriter<T> stream, Func<Task> ask, TimeProvider time) : IServerStreamWriter<T>
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private long _asked = time.GetTimestamp();

    public WriteOptions? WriteOptions
    {
        get => stream.WriteOptions;
        set => stream.WriteOptions = value;
    }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_asked) >= Every)
        {
            await ask();
            _asked = time.GetTimestamp();
        }
        await stream.WriteAsync(message, cancellationToken);
    }
}

/// <summary>Whom the policy has let through, and for what.</summary>
internal sealed record Admitted(Caller Caller, ResourceName? Resource);

internal static class AdmittedCalls
{
    public static Caller Caller(this ServerCallContext context) => Of(context).Caller;

    /// <summary>What the request names, as the method's policy has read it.</summary>
    public static T Resource<T>(this ServerCallContext context) where T : ResourceName => (T)Of(context).Resource!;

    private static Admitted Of(ServerCallContext context) => (Admitted)context.UserState[typeof(Admitted)];
}
