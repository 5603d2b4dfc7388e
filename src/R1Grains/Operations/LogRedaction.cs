using System.Security.Cryptography;
using Microsoft.Extensions.Compliance.Classification;
using Microsoft.Extensions.Compliance.Redaction;
using R1Grains.Ledger.Keys;

namespace R1Grains.Operations;

/// <summary>What becomes of what log messages are given, by its <see cref="LogData">class</see>; what has a class that is not named here is left out.</summary>
internal static class LogRedaction
{
    private const int KeyLength = 32;

    /// <summary>Stands before a hash, so that hashes of another key are not taken for those of other people.</summary>
    private const int KeyId = 1;

    public static void AddLogRedaction(this WebApplicationBuilder builder, Settings settings)
    {
        builder.Services.AddRedaction(classes => classes
            .SetRedactor<NullRedactor>(new DataClassificationSet(LogData.Name), new DataClassificationSet(LogData.Told))
            .SetHmacRedactor(hmac => (hmac.Key, hmac.KeyId) = (KeyOf(settings), KeyId), new DataClassificationSet(LogData.Person))
            .SetFallbackRedactor<ErasingRedactor>());
        // Somebody is the same in all messages, whatever those call them.
        builder.Logging.EnableRedaction(options => options.ApplyDiscriminator = false);
    }

    /// <summary>
    /// Follows from the root key, so that all processes of a cluster write the same hash, now and after a restart. Where that
    /// is not at hand, or is none, which others tell, it is drawn for this process.
    /// </summary>
    /// <returns>In base64.</returns>
    private static string KeyOf(Settings settings)
    {
        try
        {
            var root = Convert.FromBase64String((settings.RootKey ?? File.ReadAllText(Path.Combine(settings.Data, KeyRing.RootKeyFileName))).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0]);
            return Convert.ToBase64String(HKDF.DeriveKey(HashAlgorithmName.SHA256, root, KeyLength, info: "r1grains people in logs"u8.ToArray()));
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException or FormatException or ArgumentException or IndexOutOfRangeException)
        {
            return Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyLength));
        }
    }
}
