using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace R1Grains.Operations;

/// <summary>
/// A port of its own for those who watch the process, over HTTP/1: nothing else is served there, and what is served there
/// is served nowhere else. Who may call the host is not who may watch it.
/// </summary>
internal sealed class SidePort
{
    /// <summary>On which Prometheus reads the metrics.</summary>
    public static readonly SidePort Metrics = new();

    /// <summary>On which operators see the dashboard of Orleans.</summary>
    public static readonly SidePort Dashboard = new();

    private SidePort()
    {
    }

    /// <summary>The one that a request came to; null for gRPC's.</summary>
    public static SidePort? Of(HttpContext http) => http.Features.Get<SidePort>();

    public void Listen(KestrelServerOptions kestrel, IPEndPoint address) => kestrel.Listen(address, listen =>
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection =>
        {
            connection.Features.Set(this);
            return next(connection);
        });
    });

    public void Map(IApplicationBuilder app, Action<IApplicationBuilder> serve) => app.MapWhen(http => Of(http) == this, port =>
    {
        port.Use((http, next) =>
        {
            // Whoever watches is not part of what is watched.
            if (http.Features.Get<IHttpMetricsTagsFeature>() is { } tags) tags.MetricsDisabled = true;
            // What gRPC's routes found is not here.
            http.SetEndpoint(null);
            return next(http);
        });
        serve(port);
        port.Run(http =>
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    });
}
