using System.Net.Mime;
using System.Text;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Orleans.Configuration;
using Orleans.Dashboard;
using R1Grains.Access;
using R1Grains.Conversations;

namespace R1Grains.Operations;

/// <summary>
/// The dashboard of Orleans, for operators only: silos, kinds of grains, their calls and times; no conversation, no log.
/// Gateways show it, because they know callers, and each silo that has it in its settings is in it.
/// </summary>
internal static class Dashboard
{
    /// <summary>Its grains are in every process, since their code is; a silo without its services must not get one.</summary>
    public static void AddDashboard(this ISiloBuilder silo, Settings settings)
    {
        if (settings.Dashboard is null) silo.Services.PostConfigure<GrainTypeOptions>(types => types.Classes.RemoveWhere(type => type.Assembly == typeof(DashboardOptions).Assembly));
        // Logs have their own readers.
        else silo.AddDashboard(options => options.HideTrace = true);
    }

    public static void Map(IApplicationBuilder app) => SidePort.Dashboard.Map(app, port => port
        .Use(async (http, next) =>
        {
            try
            {
                await Require(http);
            }
            catch (RefusedException refused)
            {
                await Refuse(http.Response, refused.Refusal);
                return;
            }
            await next(http);
        })
        .UseRouting()
        .UseEndpoints(routes => routes.MapOrleansDashboard()));

    private static async Task Require(HttpContext http)
    {
        var (callers, denials) = (http.RequestServices.GetRequiredService<Callers>(), http.RequestServices.GetRequiredService<Denials>());
        try
        {
            var authorization = http.Request.Headers.Authorization;
            // Browsers ask for a name and a password, and have no other way to send a token: any name, and the token as the password.
            var caller = await callers.Bearer(Password(authorization) ?? Callers.Token(authorization), http.RequestAborted)
                ?? throw Callers.Unauthenticated("no token: give one as the password, or send it as 'Authorization: Bearer {token}'");
            if (caller.May(Permission.WatchCluster))
                return;
            await denials.Denied(caller, "dashboard", null, Permission.WatchCluster);
            Access.Access.Require(caller, Permission.WatchCluster);
        }
        catch (RefusedException refused) when (refused.Refusal.Reason is Reason.Unauthenticated)
        {
            denials.Unauthenticated(http.Connection.RemoteIpAddress);
            throw;
        }
    }

    private static Task Refuse(HttpResponse response, Refusal refusal)
    {
        if (refusal.Reason is Reason.Unauthenticated) response.Headers.WWWAuthenticate = "Basic realm=\"r1grains operators\", charset=\"UTF-8\"";
        response.StatusCode = refusal.Reason is Reason.Unauthenticated ? StatusCodes.Status401Unauthorized : StatusCodes.Status403Forbidden;
        response.ContentType = MediaTypeNames.Text.Plain;
        return response.WriteAsync(refusal.Detail);
    }

    /// <summary>Null where the header is of another form.</summary>
    private static string? Password(StringValues authorization)
    {
        if (!System.Net.Http.Headers.AuthenticationHeaderValue.TryParse(authorization, out var header) || header is not { Scheme: "Basic", Parameter: { } encoded }) return null;
        var decoded = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, decoded, out var length) && Encoding.UTF8.GetString(decoded, 0, length).Split(':', 2) is [_, var password] ? password : null;
    }
}
