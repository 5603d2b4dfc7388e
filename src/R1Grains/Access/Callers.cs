using System.Collections.Frozen;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>Finds out who calls: the bearer of a valid token, or on this machine alone, without a token, a given caller.</summary>
/// <param name="local">The caller without a token on a loopback connection; null where every call needs a token.</param>
public sealed class Callers(Caller? local)
{
    public const string SubjectClaim = "sub";
    public const string TenantClaim = "tenant";
    public const string PermissionsClaim = "permissions";

    /// <exception cref="RefusedException"><see cref="Reason.Unauthenticated"/></exception>
    public async ValueTask<Caller> Of(ServerCallContext call)
    {
        var http = call.GetHttpContext();
        if (await Bearer(http) is { } bearer)
            return bearer;
        return local is not null && http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
            ? local
            : throw Unauthenticated("no token: send the metadata 'authorization: Bearer {token}'");
    }

    /// <summary>The bearer of the request's token, wherever it comes from; null without one.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.Unauthenticated"/>: it is not valid.</exception>
    public static async ValueTask<Caller?> Bearer(HttpContext http)
    {
        var authentication = await http.AuthenticateAsync();
        if (authentication.Succeeded)
            return Of(authentication);
        if (authentication.Failure is { } failure)
            throw Unauthenticated($"the bearer token is not valid ({failure.GetType().Name}): ask its issuer for a new one");
        if (http.Request.Headers.Authorization.Count > 0)
            throw Unauthenticated("the authorization metadata is not of the form 'Bearer {token}'");
        return null;
    }

    private static Caller Of(AuthenticateResult authentication)
    {
        var claims = authentication.Principal!;
        var (tenant, subject) = (claims.FindFirst(TenantClaim)?.Value, claims.FindFirst(SubjectClaim)?.Value);
        if (tenant is null || !ResourceName.IsId(tenant) || subject is not { Length: >= 1 and <= 128 })
            throw Unauthenticated($"the token needs the claims '{TenantClaim}' (an id) and '{SubjectClaim}' (1 to 128 characters)");
        return new(tenant, subject, claims.FindAll(PermissionsClaim).Select(c => PermissionSet.Find(c.Value)).OfType<Permission>().ToFrozenSet());
    }

    private static RefusedException Unauthenticated(string detail) => new(new(Reason.Unauthenticated, detail));
}
