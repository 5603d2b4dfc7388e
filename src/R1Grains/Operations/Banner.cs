using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using R1Grains.Access;

namespace R1Grains.Operations;

/// <summary>What an operator sees once the process serves.</summary>
internal static class Banner
{
    public static string Of(WebApplication app)
    {
        var settings = app.Services.GetRequiredService<Settings>();
        // In the order in which they were listened on: gRPC, then metrics, then the dashboard.
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.ToList();
        return $"""
            R1Grains {typeof(Banner).Assembly.GetName().Version?.ToString(3)} — {Kind(settings)}
              connect   {addresses[0]} (gRPC over HTTP/2 {(settings.Tls is null ? "without" : "with")} TLS{(settings.LoopbackOnly ? "; this machine only, no token needed" : "; every call needs a token")})
              model     {settings.Engine.Folder}
              record    {(settings.Postgres is null ? settings.Data : "in PostgreSQL")}{(settings.Metrics is null ? "" : $"\n  metrics   {addresses[1]}/metrics (for Prometheus)")}{(settings.ShowsDashboard ? $"\n  dashboard {addresses[^1]} (a token with {Permission.WatchCluster.Name()} as the password)" : "")}
              next      in a second terminal: dotnet run --project src/R1Grains.Cli -- chat{(settings.LoopbackOnly ? "" : "\n  token     dotnet run --project src/R1Grains -- dev-token --tenant demo --subject anna")}
            """;
    }

    private static string Kind(Settings settings) => settings.IsEmbedded
        ? "embedded: not for compliance use"
        : settings.Redis is null ? $"alone, roles {settings.Roles}" : $"silo {settings.SiloName} of cluster {settings.Cluster}, roles {settings.Roles}";
}
