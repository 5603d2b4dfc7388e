using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Ledger.Keys;

/// <summary>Wraps the tenants' keys. It lies with the secrets of whoever runs the record, and in no store: 32 random bytes, in base64.</summary>
public sealed class RootKey : IDisposable
{
    private RootKey(byte[] key)
    {
        Wrapping = new WrappingKey(key, IdOf(key));
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Tells root keys from each other, and nothing else of them.</summary>
    public uint Id => Wrapping.Number;

    internal WrappingKey Wrapping { get; }

    public static RootKey Generate() => new(RandomNumberGenerator.GetBytes(WrappingKey.KeyLength));

    /// <param name="from">What names it, for the message.</param>
    /// <exception cref="RecordKeyException">Not base64 of 32 bytes.</exception>
    public static RootKey Parse(string base64, string from)
    {
        try
        {
            return Convert.FromBase64String(base64.Trim()) is { Length: WrappingKey.KeyLength } key ? new RootKey(key) : throw new FormatException("other lengths are none");
        }
        catch (FormatException malformed)
        {
            // What cannot be read may all the same be most of a key: none of it is told.
            throw new RecordKeyException(from, "it is not base64 of 32 bytes. Bring back the key as it was; a new one is made by: openssl rand -base64 32", malformed);
        }
    }

    /// <summary>Reads the key, and makes it first where there is none, for its owner alone.</summary>
    /// <exception cref="RecordKeyException"/>
    public static RootKey ReadOrMake(string file)
    {
        try
        {
            if (!File.Exists(file))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
                KeyFile.Write(file, Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(WrappingKey.KeyLength)) + "\n"), UnixFileMode.UserRead);
            }
            return Parse(File.ReadAllText(file), file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new RecordKeyException(file, $"it can be neither read nor made ({unreadable.Message.TrimEnd('.')}). Give the server access there.", unreadable);
        }
    }

    public void Dispose() => Wrapping.Dispose();

    private static uint IdOf(byte[] key) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. "r1grains root key"u8, .. key]));
}
