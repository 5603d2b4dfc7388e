using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Orleans.Configuration;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Gateway;
using R1Grains.Inference;
using R1Grains.Knowledge;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains;

/// <summary>Puts the rooms together into one process.</summary>
public static class R1Host
{
    private const int MaxConnections = 1_000;
    private const int MaxStreamsPerConnection = 1_000;

    /// <summary>Time for what has to stop after the running turns.</summary>
    private static readonly TimeSpan ServicesStop = TimeSpan.FromSeconds(10);

    /// <summary>Serves until the process is asked to stop.</summary>
    /// <inheritdoc cref="Build"/>
    public static async Task Run(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        await using var app = Build(args, configure);
        await app.StartAsync();
        Console.WriteLine(Banner.Of(app));
        await app.WaitForShutdownAsync();
    }

    /// <param name="configure">Changes what was composed, before it is built.</param>
    /// <exception cref="Exception">One that <see cref="StartFailure.Explain"/> knows, if a setting, a folder or the model is at fault.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = Builder(args);
        var settings = Settings.From(builder.Configuration);

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreamsPerConnection;
            // A client that vanished without a word is noticed within the minute, and its streams end.
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            // gRPC without TLS needs a port that speaks HTTP/2 alone.
            kestrel.Listen(settings.Listen, listen => listen.Protocols = HttpProtocols.Http2);
            if (settings.Metrics is { } metrics) ScrapePort.Listen(kestrel, metrics);
        });
        builder.UseOrleans(silo => silo
            // A silo's port cannot be chosen while it starts; nobody connects from outside, so it has no client gateway.
            .UseLocalhostClustering(siloPort: FreePort(), gatewayPort: 0)
            .Configure<ClusterOptions>(cluster => cluster.ClusterId = cluster.ServiceId = "r1grains"));

        builder.Services
            .Configure<HostOptions>(host => host.ShutdownTimeout = settings.ShutdownTimeout + ServicesStop)
            .AddSingleton(settings)
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IRecord>(_ => SqliteRecord.OpenAsync(settings.Data).GetAwaiter().GetResult())
            .AddKnowledge(settings.Tenants)
            .AddInference(settings.Engine)
            .AddConversations(settings.TurnTimeout)
            .AddAudit()
            .AddAccess(settings)
            .AddGateway(settings)
            .AddOperations(settings, builder.Configuration);
        // Who starts the host gets the exception of a failed start; the log need not repeat it.
        var started = false;
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => started && level >= LogLevel.Warning);
        // What is the server's own fault, Faults has logged; the rest, such as a message that cannot be decoded, is told to the caller.
        builder.Logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.Critical);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(() => started = true);
        // What can be at fault is opened before anything starts: the data folder, what lies in it, the model, the tenants' policies.
        app.Services.GetRequiredService<IRecord>();
        app.Services.GetRequiredService<DevelopmentIssuer>();
        var engine = app.Services.GetRequiredService<InferenceEngine>();
        app.Services.GetRequiredService<Tenants>().RequireRoom(engine.Model);
        app.MapOperations(settings);
        app.MapGateway();
        return app;
    }

    /// <summary>The settings file lies beside the binary, wherever the process was started from.</summary>
    internal static WebApplicationBuilder Builder(string[] args) =>
        WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
