using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using R1Grains.Conversations;
using R1Grains.Operations;

namespace R1Grains.Access;

/// <summary>An issuer whose bearer tokens are taken.</summary>
internal abstract class TokenIssuer
{
    /// <summary>As its tokens name it.</summary>
    public abstract string Name { get; }

    /// <summary>Of all its tokens; null where they name it.</summary>
    public virtual string? Tenant => null;

    public virtual string TenantClaim => Callers.TenantClaim;

    public virtual string SubjectClaim => Callers.SubjectClaim;

    public virtual string RolesClaim => Callers.RolesClaim;

    public virtual string PermissionsClaim => Callers.PermissionsClaim;

    /// <summary>How its tokens are checked now.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.IssuerUnavailable"/></exception>
    public abstract ValueTask<TokenValidationParameters> Validation(CancellationToken cancellation);

    /// <summary>A token names a key that is not known: there may be new ones.</summary>
    public virtual void Refresh()
    {
    }
}

/// <summary>The one of this data folder.</summary>
internal sealed class DevelopmentTokens(DevelopmentIssuer issuer) : TokenIssuer
{
    public override string Name => DevelopmentIssuer.Name;

    public override ValueTask<TokenValidationParameters> Validation(CancellationToken cancellation) => new(issuer.Validation);
}

/// <summary>Any that speaks OpenID Connect. Its keys are asked for when the first token comes, and again from time to time.</summary>
internal sealed class OidcIssuer : TokenIssuer
{
    /// <summary>Keys that a token names and nobody knows are asked for no more often.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(10);

    // Signatures by keys that only the issuer has: a shared secret would be another kind of issuer.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly OidcSettings _settings;
    private readonly ConfigurationManager<OpenIdConnectConfiguration> _configuration;

    /// <exception cref="StartFailure">The file of keys cannot be used.</exception>
    public OidcIssuer(OidcSettings settings)
    {
        _settings = settings;
        Name = settings.Authority.OriginalString;
        var authority = Name.TrimEnd('/');
        _configuration = settings.KeysFile is { } file
            ? new(file, new KeysFile(Name), new FileDocumentRetriever())
            : new(
                $"{authority}/.well-known/openid-configuration",
                new OpenIdConnectConfigurationRetriever(),
                new HttpDocumentRetriever(new HttpClient { Timeout = Patience }) { RequireHttps = !settings.Authority.IsLoopback });
        _configuration.RefreshInterval = RefreshInterval;
        if (settings.KeysFile is not null)
            RequireKeys(settings.KeysFile);
    }

    public override string Name { get; }

    public override string? Tenant => _settings.Tenant;

    public override string TenantClaim => _settings.TenantClaim;

    public override string SubjectClaim => _settings.SubjectClaim;

    public override string RolesClaim => _settings.RolesClaim;

    public override string PermissionsClaim => _settings.PermissionsClaim;

    public override async ValueTask<TokenValidationParameters> Validation(CancellationToken cancellation)
    {
        OpenIdConnectConfiguration known;
        try
        {
            known = await _configuration.GetConfigurationAsync(cancellation);
        }
        catch (Exception failure) when (failure is InvalidOperationException or IOException or ArgumentException && !cancellation.IsCancellationRequested)
        {
            throw new RefusedException(new(Reason.IssuerUnavailable, $"the keys of the token issuer {Name} cannot be read: bring it back, or look whether R1__Oidc__Authority is its address"));
        }
        return new()
        {
            ValidIssuer = known.Issuer,
            ValidAudience = _settings.Audience,
            IssuerSigningKeys = known.SigningKeys,
            ValidAlgorithms = Algorithms,
            ClockSkew = TimeSpan.FromSeconds(30),
        };
    }

    public override void Refresh() => _configuration.RequestRefresh();

    private void RequireKeys(string file)
    {
        try
        {
            if (_configuration.GetConfigurationAsync(CancellationToken.None).GetAwaiter().GetResult().SigningKeys.Count > 0)
                return;
        }
        catch (InvalidOperationException failure)
        {
            throw new StartFailure($"R1__Oidc__Keys is '{file}', which cannot be used ({(failure.InnerException ?? failure).Message}): name a readable JSON Web Key Set.");
        }
        throw new StartFailure($"R1__Oidc__Keys is '{file}', which has no key to check a signature with: name the issuer's JSON Web Key Set.");
    }

    /// <summary>A key set alone, in place of what the issuer would say of itself.</summary>
    private sealed class KeysFile(string issuer) : IConfigurationRetriever<OpenIdConnectConfiguration>
    {
        public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(string address, IDocumentRetriever retriever, CancellationToken cancel)
        {
            var configuration = new OpenIdConnectConfiguration { Issuer = issuer };
            foreach (var key in new JsonWebKeySet(await retriever.GetDocumentAsync(address, cancel)).GetSigningKeys())
                configuration.SigningKeys.Add(key);
            return configuration;
        }
    }
}
