using System.Net.Security;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary>One server that may have several addresses: where one does not answer, the next is asked.</summary>
internal sealed class Connection : IDisposable
{
    /// <summary>How long a command looks for a server.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel[] _channels;
    private readonly Metadata _metadata = [];
    private readonly TimeProvider _time;
    private int _current;

    /// <param name="token">A bearer token, or null.</param>
    /// <param name="language">"zh" or "en" for messages to customers; null for the conversation's own.</param>
    /// <param name="certificate">What is shown to servers that ask for one, or null.</param>
    public Connection(IReadOnlyList<Uri> servers, string? token = null, string? language = null, TimeProvider? time = null, SslStreamCertificateContext? certificate = null)
    {
        _time = time ?? TimeProvider.System;
        if (token is not null)
            _metadata.Add("authorization", $"Bearer {token}");
        if (language is not null)
            _metadata.Add("accept-language", language);
        Addresses = string.Join(", ", servers.Select(server => server.GetLeftPart(UriPartial.Authority)));
        _channels = [.. servers.Select(server => GrpcChannel.ForAddress(server, new GrpcChannelOptions
        {
            // A dead peer is noticed though it closed nothing.
            HttpHandler = new SocketsHttpHandler
            {
                ConnectTimeout = TimeSpan.FromSeconds(5),
                KeepAlivePingDelay = TimeSpan.FromSeconds(2),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(2),
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                UseProxy = false,
                SslOptions = new() { ClientCertificateContext = certificate },
            },
            // Outage decides when to try again.
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
            DisposeHttpClient = true,
        }))];
    }

    public string Addresses { get; }

    public int Count => _channels.Length;

    public ConversationService.ConversationServiceClient Conversations => new(Invoker);

    public TurnService.TurnServiceClient Turns => new(Invoker);

    public TranscriptService.TranscriptServiceClient Transcripts => new(Invoker);

    public GuardrailService.GuardrailServiceClient Guardrail => new(Invoker);

    public AccessService.AccessServiceClient Access => new(Invoker);

    public TenantService.TenantServiceClient Tenants => new(Invoker);

    public KeyService.KeyServiceClient Keys => new(Invoker);

    private CallInvoker Invoker => _channels[(uint)Volatile.Read(ref _current) % _channels.Length].Intercept(headers =>
    {
        foreach (var entry in _metadata)
            headers.Add(entry);
        return headers;
    });

    /// <summary>Asks the next address from now on.</summary>
    public void MoveOn() => Interlocked.Increment(ref _current);

    /// <summary>A unary call, repeated while nobody answers.</summary>
    /// <exception cref="RefusedException"/>
    /// <exception cref="UnreachableException"/>
    public async Task<T> Call<T>(Func<Connection, AsyncUnaryCall<T>> call, CancellationToken cancellation)
    {
        var outage = new Outage(_time, Patience);
        while (true)
        {
            Refusal refusal;
            try
            {
                using var attempt = call(this);
                return await attempt.ResponseAsync.WaitAsync(cancellation);
            }
            catch (RpcException exception)
            {
                refusal = Refusal.Of(exception);
            }
            if (!refusal.IsTransient)
                throw new RefusedException(refusal);
            MoveOn();
            await outage.Break(refusal, this, cancellation);
        }
    }

    public void Dispose()
    {
        foreach (var channel in _channels)
            channel.Dispose();
    }
}
