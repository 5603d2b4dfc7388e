using System.Collections.Frozen;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using R1Grains.Conversations;

namespace R1Grains.Access;

/// <summary>Reads the tokens of the issuers that are trusted here.</summary>
internal sealed class BearerTokens(IEnumerable<TokenIssuer> issuers)
{
    private static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false };

    private readonly FrozenDictionary<string, TokenIssuer> _issuers = issuers.ToFrozenDictionary(issuer => issuer.Name.TrimEnd('/'));

    /// <exception cref="RefusedException"><see cref="Reason.Unauthenticated"/>, or <see cref="Reason.IssuerUnavailable"/></exception>
    public async ValueTask<Caller> Read(string token, CancellationToken cancellation)
    {
        JsonWebToken read;
        try
        {
            read = Handler.ReadJsonWebToken(token);
        }
        catch (Exception malformed) when (malformed is ArgumentException or FormatException or SecurityTokenException)
        {
            throw Callers.Unauthenticated("what was sent as a bearer token is none: send a JSON Web Token, or a key that begins with r1k_");
        }
        if (!_issuers.TryGetValue(read.Issuer.TrimEnd('/'), out var issuer))
            throw Callers.Unauthenticated($"the token's issuer {Refuse.Quote(read.Issuer)} is not trusted here: ask one of {string.Join(", ", _issuers.Keys)} for a token");

        var result = await Handler.ValidateTokenAsync(token, await issuer.Validation(cancellation));
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
            issuer.Refresh();
        if (!result.IsValid)
            throw Callers.Unauthenticated($"the bearer token is not valid ({result.Exception?.GetType().Name}): ask its issuer for a new one");
        return Caller(read, issuer);
    }

    private static Caller Caller(JsonWebToken token, TokenIssuer issuer)
    {
        using var claims = new TokenClaims(token);
        var (tenant, subject) = (issuer.Tenant ?? claims.Text(issuer.TenantClaim), claims.Text(issuer.SubjectClaim));
        if (tenant is null || !ResourceName.IsId(tenant) || subject is null || !R1Grains.Access.Caller.IsSubject(subject))
            throw Callers.Unauthenticated($"the token needs the claims '{issuer.TenantClaim}' (an id) and '{issuer.SubjectClaim}' (1 to {R1Grains.Access.Caller.SubjectLengthMax} characters)");
        // Who is recorded as a program is one.
        if (CertificateSubject.IsOne(subject) || subject.StartsWith(ApiKey.SubjectPrefix, StringComparison.Ordinal))
            throw Callers.Unauthenticated($"the token's '{issuer.SubjectClaim}' begins with {CertificateSubject.Prefix} or {ApiKey.SubjectPrefix}, which certificates and keys alone do: its issuer has to name the caller otherwise");
        // Names that this version does not know give nothing.
        var permissions = claims.Texts(issuer.PermissionsClaim).Select(PermissionSet.Find).OfType<Permission>()
            .Concat(claims.Texts(issuer.RolesClaim).Select(Role.Find).OfType<Role>().SelectMany(role => role.Permissions));
        return new(tenant, subject, permissions.ToFrozenSet());
    }
}
