using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using R1Grains.Operations;

namespace R1Grains.Access;

/// <summary>
/// Issues bearer tokens for development and tests; whoever can read the data folder can be anyone. The key is an
/// EC P-256 key in <c>development-issuer.pem</c> of the data folder, made at first use and readable by its owner only.
/// </summary>
public sealed class DevelopmentIssuer
{
    public const string Name = "r1grains-development";
    public const string Audience = "r1grains";

    private readonly ECDsaSecurityKey _key;

    /// <exception cref="StartFailure">The key file cannot be read or written.</exception>
    public DevelopmentIssuer(string dataFolder)
    {
        var path = Path.Combine(dataFolder, "development-issuer.pem");
        try
        {
            Directory.CreateDirectory(dataFolder);
            var key = ECDsa.Create();
            key.ImportFromPem(ReadOrMake(path));
            _key = new(key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or CryptographicException)
        {
            throw new StartFailure($"The key of the development issuer, {path}, cannot be used: {e.Message} Make it readable and the folder writable, or delete a damaged key (its tokens end).");
        }
    }

    /// <summary>How the issuer's tokens are checked.</summary>
    public TokenValidationParameters Validation => new()
    {
        ValidIssuer = Name,
        ValidAudience = Audience,
        IssuerSigningKey = _key,
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        ClockSkew = TimeSpan.FromSeconds(30),
    };

    /// <param name="roles">Which give permissions beside the caller's own.</param>
    public string Issue(Caller caller, DateTimeOffset now, TimeSpan lifetime, params string[] roles) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Name,
        Audience = Audience,
        IssuedAt = now.UtcDateTime,
        NotBefore = now.UtcDateTime,
        Expires = (now + lifetime).UtcDateTime,
        SigningCredentials = new(_key, SecurityAlgorithms.EcdsaSha256),
        Claims = new Dictionary<string, object>
        {
            [Callers.SubjectClaim] = caller.Subject,
            [Callers.TenantClaim] = caller.Tenant,
            [Callers.RolesClaim] = roles,
            [Callers.PermissionsClaim] = caller.Permissions.Order().Select(p => p.Name()).ToArray(),
        },
    });

    private static string ReadOrMake(string path)
    {
        if (File.Exists(path))
            return File.ReadAllText(path);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var fresh = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new StreamWriter(fresh, options))
            file.Write(key.ExportPkcs8PrivateKeyPem());
        try
        {
            File.Move(fresh, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // The server and a dev-token command may both come first; whichever moved first holds.
            File.Delete(fresh);
        }
        return File.ReadAllText(path);
    }
}
