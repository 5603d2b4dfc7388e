using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace R1Grains.Operations;

/// <summary>
/// A port on which Prometheus reads the metrics, as <c>GET /metrics</c> over HTTP/1. Nothing else is served there, and
/// they are served nowhere else: who may call the host is not who may watch it.
/// </summary>
internal sealed class ScrapePort
{
    // On every connection of the port.
    private static readonly ScrapePort Mark = new();

    public static void Listen(KestrelServerOptions kestrel, IPEndPoint address) => kestrel.Listen(address, listen =>
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection =>
        {
            connection.Features.Set(Mark);
            return next(connection);
        });
    });

    public static void Map(IApplicationBuilder app) => app.MapWhen(http => http.Features.Get<ScrapePort>() is not null, port =>
    {
        port.Use((http, next) =>
        {
            // Whoever watches is not part of what is watched.
            if (http.Features.Get<IHttpMetricsTagsFeature>() is { } tags) tags.MetricsDisabled = true;
            return next(http);
        });
        port.UseOpenTelemetryPrometheusScrapingEndpoint();
        port.Run(http =>
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    });
}
