using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using R1Grains.Compliance;
using R1Grains.Conversations;

namespace R1Grains.Operations;

public static class Registration
{
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // The engine's and the guardrail's own, and what the server, the cluster and the runtime measure of themselves.
    private static readonly string[] Meters =
        ["R1Grains.Engine", GuardrailMeter.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.Orleans", "System.Runtime"];

    // Not those of Orleans: a grain called within a trace that is not recorded would begin one of its own.
    private static readonly string[] Sources = [Tracing.Name, "R1Grains.Engine"];

    /// <summary>
    /// Health and drain of every process, and metrics for whom the operator named: Prometheus, which scrapes (<see cref="Settings.Metrics"/>), a collector, to which
    /// they are pushed by OTLP, or both. The collector gets traces as well. Its variables are OpenTelemetry's own and read
    /// by it. With neither nothing is registered, measured or traced.
    /// </summary>
    /// <exception cref="StartFailure">The collector's address is none.</exception>
    public static IServiceCollection AddOperations(this IServiceCollection services, Settings settings, IConfiguration configuration)
    {
        services.AddGrpc();
        services
            .AddSingleton<LiveTurns>()
            .AddSingleton<Drain>()
            .AddHostedService(provider => provider.GetRequiredService<Drain>());
        var collector = configuration[Otlp] is { Length: > 0 } named ? named : null;
        if (collector is not null && !(Uri.TryCreate(collector, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
            throw new StartFailure($"{Otlp} is '{collector}': write the address of an OpenTelemetry collector, e.g. http://127.0.0.1:4317.");
        if (settings.Metrics is null && collector is null) return services;
        var telemetry = services.AddOpenTelemetry()
            // The environment's name for the service comes last and so wins.
            .ConfigureResource(process => process.AddService("r1grains", serviceVersion: typeof(Registration).Assembly.GetName().Version?.ToString(3)).AddEnvironmentVariableDetector())
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Meters);
                if (settings.Metrics is not null) metrics.AddPrometheusExporter();
                if (collector is not null) metrics.AddOtlpExporter();
            });
        if (collector is not null)
            telemetry.WithTracing(traces => traces.AddAspNetCoreInstrumentation(calls => calls.Filter = IsServed).AddSource(Sources).AddOtlpExporter());
        return services;
    }

    public static void MapOperations(this WebApplication app, Settings settings)
    {
        app.MapGrpcService<HealthEndpoint>();
        if (settings.Metrics is not null) SidePort.Metrics.Map(app, port => port.UseOpenTelemetryPrometheusScrapingEndpoint());
        if (settings.ShowsDashboard) Dashboard.Map(app);
    }

    /// <summary>Whoever watches is not part of what is watched.</summary>
    private static bool IsServed(HttpContext http) => SidePort.Of(http) is null && !http.Request.Path.StartsWithSegments("/grpc.health.v1.Health", StringComparison.Ordinal);
}
