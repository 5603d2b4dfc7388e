using Microsoft.AspNetCore.Server.Kestrel.Core;
using R1Grains.Access;
using R1Grains.Audit;
using R1Grains.Cluster;
using R1Grains.Compliance;
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
        var certificate = settings.Tls is { } tls ? GatewayCertificate.Open(tls) : null;

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreamsPerConnection;
            // A client that vanished without a word is noticed within the minute, and its streams end.
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            // gRPC without TLS needs a port that speaks HTTP/2 alone.
            kestrel.Listen(settings.Listen, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (certificate is not null) listen.UseHttps(certificate.Options(kestrel.ApplicationServices.GetRequiredService<ILogger<GatewayCertificate>>));
            });
            if (settings.Metrics is { } metrics) SidePort.Metrics.Listen(kestrel, metrics);
            if (settings.ShowsDashboard) SidePort.Dashboard.Listen(kestrel, settings.Dashboard!);
        });
        builder.AddCluster(settings);

        builder.Services
            .Configure<HostOptions>(host => host.ShutdownTimeout = settings.ShutdownTimeout + ServicesStop)
            .AddSingleton(settings)
            .AddSingleton<TimeProvider>(new SteadyTime(TimeProvider.System))
            .AddRecord(settings)
            .AddErasure(settings.Retention)
            .AddCompliance()
            .AddInference(settings.Engine, ownsDevice: settings.Roles.HasFlag(Roles.Inference))
            .AddOperations(settings, builder.Configuration);
        if (settings.Roles.HasFlag(Roles.Conversation))
            builder.Services.AddKnowledge(settings.Tenants).AddProvisionedTenants().AddConversations(settings.TurnTimeout).AddTranscriptIndexing().AddErasing().AddKeyRotation().AddExporting();
        if (settings.Roles.HasFlag(Roles.Gateway))
            builder.Services.AddAudit().AddAccess(settings).AddGateway(settings);
        builder.AddLogRedaction(settings);
        // Who starts the host gets the exception of a failed start; the log need not repeat it.
        var started = false;
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => started && level >= LogLevel.Warning);
        // Nor what a silo that never came up complains of on its way out; who turns Orleans' log up gets everything.
        var orleans = builder.Configuration.GetValue("Logging:LogLevel:Orleans", LogLevel.Error);
        builder.Logging.AddFilter("Orleans", level => level >= orleans && (started || orleans < LogLevel.Error));
        // What is the server's own fault, Faults has logged; the rest, such as a message that cannot be decoded, is told to the caller.
        builder.Logging.AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.Critical);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(() => started = true);
        Require(app.Services, settings);
        app.MapOperations(settings);
        if (settings.Roles.HasFlag(Roles.Gateway)) app.MapGateway();
        return app;
    }

    /// <summary>The settings file lies beside the binary, wherever the process was started from.</summary>
    /// <remarks>What is secret may lie in files, named as the variables are, in the folder R1__Secrets: as orchestrators mount it.</remarks>
    internal static WebApplicationBuilder Builder(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        if (builder.Configuration["R1:Secrets"] is not { Length: > 0 } secrets) return builder;
        if (!Directory.Exists(secrets)) throw new StartFailure($"R1__Secrets is '{secrets}', and there is no such folder: name the one that holds a file for each secret, e.g. ConnectionStrings__Postgres.");
        builder.Configuration.AddKeyPerFile(Path.GetFullPath(secrets), optional: false);
        return builder;
    }

    /// <summary>What can be at fault is opened before anything starts: servers, the data folder and what lies in it, the model, the tenants' policies.</summary>
    private static void Require(IServiceProvider services, Settings settings)
    {
        if (settings.Redis is { } redis) RedisConnection.Require(redis, services.GetRequiredService<TimeProvider>()).GetAwaiter().GetResult();
        services.GetRequiredService<IRecord>();
        services.GetService<DevelopmentIssuer>();
        services.GetService<InferenceEngine>();
        var model = services.GetRequiredService<Model>();
        services.GetService<Tenants>()?.RequireRoom(model);
    }
}
