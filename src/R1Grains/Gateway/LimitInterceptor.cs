using Grpc.Core;
using Grpc.Core.Interceptors;
using R1Grains.Access;

namespace R1Grains.Gateway;

/// <summary>Asks <see cref="Limits"/> before anything else is done for a call that is let through.</summary>
public sealed class LimitInterceptor(Limits limits) : Interceptor
{
    /// <summary>Of a turn whose end was not waited for: about a usual one's.</summary>
    private const int UnknownTokens = 1_000;

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        if (!IsLimited(context)) return await continuation(request, context);
        var caller = context.Caller();
        using var call = limits.Enter(caller);
        if (request is not V1.SendTurnRequest) return await continuation(request, context);
        limits.RequireTokens(caller);
        var tokens = 0;
        try
        {
            var response = await continuation(request, context);
            tokens = response is V1.Turn { Completed.Usage: { } usage } ? Tokens(usage) : UnknownTokens;
            return response;
        }
        finally
        {
            limits.Spend(caller, tokens);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        if (!IsLimited(context))
        {
            await continuation(request, responseStream, context);
            return;
        }
        var caller = context.Caller();
        using var call = limits.Enter(caller);
        if (request is not V1.StreamTurnRequest)
        {
            await continuation(request, responseStream, context);
            return;
        }
        limits.RequireTokens(caller);
        var counted = new Counted<TResponse>(responseStream);
        try
        {
            await continuation(request, counted, context);
        }
        finally
        {
            limits.Spend(caller, counted.Tokens);
        }
    }

    /// <summary>Health and reflection are no caller's.</summary>
    private static bool IsLimited(ServerCallContext context) => context.Method.StartsWith("/r1grains.", StringComparison.Ordinal);

    private static int Tokens(V1.Usage usage) => usage.PromptTokens + usage.ReasoningTokens + usage.AnswerTokens;

    private sealed class Counted<T>(IServerStreamWriter<T> stream) : IServerStreamWriter<T>
    {
        /// <summary>Of a refused turn none.</summary>
        public int Tokens { get; private set; }

        public WriteOptions? WriteOptions
        {
            get => stream.WriteOptions;
            set => stream.WriteOptions = value;
        }

        public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(T message, CancellationToken cancellationToken)
        {
            if (message is V1.TurnEvent turnEvent) Tokens = turnEvent.Completed?.Usage is { } usage ? LimitInterceptor.Tokens(usage) : UnknownTokens;
            return stream.WriteAsync(message, cancellationToken);
        }
    }
}
