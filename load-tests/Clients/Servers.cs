using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Health.V1;
using Grpc.Net.Client;
using R1Grains.V1;

namespace R1Grains.LoadTests.Clients;

/// <summary>The addresses of one cluster, each with a connection that its clients share.</summary>
internal sealed class Servers : IDisposable
{
    // Together the longest that a frozen server goes unnoticed.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CheckPause = TimeSpan.FromMilliseconds(100);

    private readonly GrpcChannel[] _channels;

    public Servers(IReadOnlyList<string> addresses)
    {
        Addresses = [.. addresses.Select(address => address.Contains("://", StringComparison.Ordinal) ? address : $"http://{address}")];
        _channels = [.. Addresses.Select(address => GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectTimeout = ConnectTimeout,
                KeepAlivePingDelay = PingDelay,
                KeepAlivePingTimeout = PingTimeout,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                EnableMultipleHttp2Connections = true,
                UseProxy = false,
            },
            // The client decides when to try again.
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
            DisposeHttpClient = true,
        }))];
    }

    public IReadOnlyList<string> Addresses { get; }

    /// <param name="at">Any number: they go round.</param>
    /// <param name="token">A bearer token, or null.</param>
    public TurnService.TurnServiceClient Turns(int at, string? token) => new(Invoker(at, token));

    /// <inheritdoc cref="Turns"/>
    public ConversationService.ConversationServiceClient Conversations(int at, string? token) => new(Invoker(at, token));

    public string Address(int at) => Addresses[(int)((uint)at % Addresses.Count)];

    /// <summary>Returns once every address says SERVING.</summary>
    /// <exception cref="TimeoutException">Names the address that does not.</exception>
    public async Task UntilServing(TimeSpan patience, CancellationToken cancellation)
    {
        using var impatience = new CancellationTokenSource(patience, TimeProvider.System);
        for (var at = 0; at < _channels.Length; at++)
            while (!await IsServing(at, cancellation))
            {
                if (impatience.IsCancellationRequested)
                    throw new TimeoutException($"{Address(at)} does not say SERVING: start the server there, or name another with --server.");
                await Task.Delay(CheckPause, TimeProvider.System, cancellation);
            }
    }

    public void Dispose()
    {
        foreach (var channel in _channels) channel.Dispose();
    }

    private async Task<bool> IsServing(int at, CancellationToken cancellation)
    {
        try
        {
            var deadline = TimeProvider.System.GetUtcNow().UtcDateTime + CheckTimeout;
            var answer = await new Health.HealthClient(Invoker(at, token: null)).CheckAsync(new(), deadline: deadline, cancellationToken: cancellation);
            return answer.Status is HealthCheckResponse.Types.ServingStatus.Serving;
        }
        catch (RpcException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private CallInvoker Invoker(int at, string? token)
    {
        var invoker = _channels[(uint)at % _channels.Length].CreateCallInvoker();
        return token is null ? invoker : invoker.Intercept(headers =>
        {
            headers.Add("authorization", $"Bearer {token}");
            return headers;
        });
    }
}
