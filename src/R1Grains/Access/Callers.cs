using System.Collections.Frozen;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>
/// Finds out who calls: the bearer of a valid token or key, with what the registry grants them beside it; without either
/// the program that the connection's certificate names; or, on this machine alone, without any of these, a given caller.
/// </summary>
/// <param name="local">The caller without a token on a loopback connection; null where every call needs one.</param>
internal sealed class Callers(BearerTokens tokens, Grants grants, TimeProvider time, LocalCaller local)
{
    public const string SubjectClaim = "sub";
    public const string TenantClaim = "tenant";
    public const string RolesClaim = "roles";
    public const string PermissionsClaim = "permissions";

    private const string Scheme = "Bearer ";

    /// <param name="resource">What the call is about; null where that is of no tenant.</param>
    /// <exception cref="RefusedException"><see cref="Reason.Unauthenticated"/>, or why it cannot be told now.</exception>
    public async ValueTask<Caller> Of(HttpContext http, ResourceName? resource) =>
        await Bearer(Token(http.Request.Headers.Authorization), http.RequestAborted)
        ?? (http.Connection.ClientCertificate is { } certificate ? await OfCertificate(certificate, http.Features.Get<CertificateFault>(), resource, http.RequestAborted)
            : local.Caller is { } caller && http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
            ? caller
            : throw Unauthenticated("no token: send the metadata 'authorization: Bearer {token}'"));

    /// <summary>The bearer of a token or a key; null without one.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.Unauthenticated"/>: it is not valid.</exception>
    public async ValueTask<Caller?> Bearer(string? token, CancellationToken cancellation)
    {
        if (token is null)
            return null;
        await grants.Known(cancellation);
        if (token.StartsWith(ApiKey.Prefix, StringComparison.Ordinal))
            return OfKey(token);
        var caller = await tokens.Read(token, cancellation);
        return caller with { Permissions = caller.Permissions.Union(grants.Of(caller.Tenant, caller.Subject)).ToFrozenSet() };
    }

    /// <summary>Null where none is sent.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.Unauthenticated"/>: what is sent has another form.</exception>
    public static string? Token(string? authorization) =>
        authorization is null ? null
        : authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && authorization[Scheme.Length..].Trim() is { Length: > 0 } token ? token
        : throw Unauthenticated("the authorization metadata is not of the form 'Bearer {token}'");

    public static RefusedException Unauthenticated(string detail) => new(new(Reason.Unauthenticated, detail));

    /// <summary>A certificate has no tenant: it is whom the tenant that the call is about has appointed, and nobody in another one.</summary>
    private async ValueTask<Caller> OfCertificate(X509Certificate2 certificate, CertificateFault? fault, ResourceName? resource, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        // The connection may be older than that.
        if (now < certificate.NotBefore || now > certificate.NotAfter)
            throw Unauthenticated("the client's certificate has expired: connect with a new one");
        if (fault?.Invoke() is { } told)
            throw Unauthenticated($"the client's certificate {told}: connect with another one");
        if (CertificateSubject.Of(certificate) is not { } subject)
            throw Unauthenticated($"the client's certificate names nobody: it needs a URI or a DNS name among its subject alternative names, or a common name, of at most {Caller.SubjectLengthMax - CertificateSubject.Prefix.Length - 4} characters");
        if (resource is null)
            throw Unauthenticated("a client's certificate is appointed in tenants, and this is of none: send a token");
        await grants.Known(cancellation);
        // Whether there is such a tenant is told to nobody who is not of it.
        return grants.OfProgram(resource.Tenant, subject).ToFrozenSet() is { Count: > 0 } permissions
            ? new(resource.Tenant, subject, permissions)
            : throw Unauthenticated($"{Refuse.Quote(subject)} is not appointed in tenants/{resource.Tenant}: who manages access there binds it, e.g. r1 access bind {subject} customer-channel");
    }

    private Caller OfKey(string secret)
    {
        if (!ApiKey.IsSecret(secret))
            throw Unauthenticated("the key is mistyped or cut: its checksum does not fit");
        // Who it was is not told to somebody who has only a secret that is over.
        return grants.FindKey(ApiKey.HashOf(secret)) is { } key && key.IsValidAt(time.GetUtcNow())
            ? new(key.Tenant, key.Subject, Grants.Of(key.Roles).ToFrozenSet())
            : throw Unauthenticated("the key is unknown, revoked or expired: ask for a new one");
    }
}

/// <summary>A feature of a connection on which a client has shown a certificate, since the authority may be replaced while it is open.</summary>
/// <returns>Why the certificate must not be let in any more; null while it may.</returns>
internal delegate string? CertificateFault();

/// <param name="Caller">Stands for everyone on this machine; null for nobody.</param>
internal sealed record LocalCaller(Caller? Caller);
