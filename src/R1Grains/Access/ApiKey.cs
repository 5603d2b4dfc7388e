using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using R1Grains.Ledger;

namespace R1Grains.Access;

/// <summary>A service account and the hash of its secret: a document of the registry.</summary>
/// <param name="Hash">SHA-256 over the secret as text, hex. The secret itself is nowhere.</param>
/// <param name="RequestId">Of the request that made it.</param>
internal sealed record ApiKey(
    string Tenant,
    string Id,
    string DisplayName,
    string Hash,
    string[] Roles,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt,
    DateTimeOffset? RevokedAt,
    string RequestId)
{
    public const string Kind = "api-key";

    /// <summary>Before every secret, so that people and scanners know it by sight.</summary>
    public const string Prefix = "r1k_";

    /// <summary>Before who calls with one. No token has such a subject.</summary>
    public const string SubjectPrefix = "apiKeys/";

    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int SecretLength = 43;
    private const int ChecksumLength = 6;

    /// <summary>Who calls with it.</summary>
    public string Subject => SubjectPrefix + Id;

    public bool IsValidAt(DateTimeOffset now) => RevokedAt is null && now < ExpiresAt;

    /// <summary>256 random bits, and a checksum by which a mistyped or cut one is known without asking anybody.</summary>
    public static string NewSecret()
    {
        var secret = Prefix + Base62(new BigInteger(RandomNumberGenerator.GetBytes(32), isUnsigned: true), SecretLength);
        return secret + Checksum(secret);
    }

    public static bool IsSecret(string text) =>
        text.Length == Prefix.Length + SecretLength + ChecksumLength
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text.EndsWith(Checksum(text[..^ChecksumLength]), StringComparison.Ordinal);

    public static string HashOf(string secret) => Digest.Of(Encoding.UTF8.GetBytes(secret)).ToString();

    private static string Checksum(string secret) =>
        Base62(BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(secret))), ChecksumLength);

    private static string Base62(BigInteger number, int length) => string.Create(length, number, static (text, rest) =>
    {
        for (var i = text.Length - 1; i >= 0; i--)
        {
            text[i] = Digits[(int)(rest % Digits.Length)];
            rest /= Digits.Length;
        }
    });
}
