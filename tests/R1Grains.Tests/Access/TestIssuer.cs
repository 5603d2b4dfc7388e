using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace R1Grains.Tests.Access;

/// <summary>An issuer that speaks OpenID Connect as far as a server asks: discovery, keys, and signed tokens. On loopback.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Audience = "r1grains-bank";

    private readonly WebApplication _app;
    private RsaSecurityKey _key = NewKey();

    private TestIssuer(WebApplication app) => _app = app;

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>How often the keys were asked for.</summary>
    public int Asked { get; private set; }

    public string KeySet
    {
        get
        {
            var key = JsonWebKeyConverter.ConvertFromRSASecurityKey(new(_key.Rsa.ExportParameters(includePrivateParameters: false)) { KeyId = _key.KeyId });
            return $$"""{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"{{key.Kid}}","n":"{{key.N}}","e":"{{key.E}}"}]}""";
        }
    }

    public static async Task<TestIssuer> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var issuer = new TestIssuer(builder.Build());
        issuer._app.MapGet("/.well-known/openid-configuration", () => Results.Text(
            $$"""{"issuer":"{{issuer.Address}}","jwks_uri":"{{issuer.Address}}/keys"}""", "application/json"));
        issuer._app.MapGet("/keys", () =>
        {
            issuer.Asked++;
            return Results.Text(issuer.KeySet, "application/json");
        });
        await issuer._app.StartAsync();
        return issuer;
    }

    /// <summary>As issuers do from time to time.</summary>
    public void TakeAnotherKey() => _key = NewKey();

    public string Token(params (string Name, object Value)[] claims) => Signed(new(_key, SecurityAlgorithms.RsaSha256), TimeSpan.FromMinutes(5), Address, Audience, claims);

    public string Signed(SigningCredentials? credentials, TimeSpan lifetime, string issuer, string audience, params (string Name, object Value)[] claims)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = now.AddHours(-1),
            NotBefore = now.AddHours(-1),
            Expires = now + lifetime,
            SigningCredentials = credentials,
            Claims = claims.ToDictionary(claim => claim.Name, claim => claim.Value),
        });
    }

    /// <summary>Signed with what everybody may know, as if it were a shared secret.</summary>
    public SigningCredentials PublicKeyAsSecret => new(new SymmetricSecurityKey(_key.Rsa.ExportSubjectPublicKeyInfo()) { KeyId = _key.KeyId }, SecurityAlgorithms.HmacSha256);

    public SigningCredentials OwnKey => new(_key, SecurityAlgorithms.RsaSha256);

    public static SigningCredentials StrangersKey => new(NewKey(), SecurityAlgorithms.RsaSha256);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static RsaSecurityKey NewKey() => new(RSA.Create(2048)) { KeyId = Guid.NewGuid().ToString("N") };
}
