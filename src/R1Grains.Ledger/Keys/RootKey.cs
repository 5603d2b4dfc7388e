using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Ledger.Keys;

/// <summary>
/// Wraps the tenants' keys. It lies with the secrets of whoever runs the record, and in no store: 32 random bytes, in base64.
/// While it is replaced there are several: the first one wraps, each of them opens.
/// </summary>
public sealed class RootKey : IDisposable
{
    private readonly IReadOnlyList<WrappingKey> _keys;

    private RootKey(params byte[][] keys)
    {
        _keys = [.. keys.Select(key => new WrappingKey(key, IdOf(key)))];
        foreach (var key in keys)
            CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>Tells root keys from each other, and nothing else of them.</summary>
    public uint Id => Wrapping.Number;

    /// <summary>Whether one can be replaced by another: the new one was given, and what it replaces.</summary>
    public bool HasEarlier => _keys.Count > 1;

    internal WrappingKey Wrapping => _keys[0];

    /// <summary>The one that wrapped it; null where it is none of these.</summary>
    /// <exception cref="InvalidDataException">No wrapped key.</exception>
    internal WrappingKey? Of(byte[] wrapped)
    {
        var id = WrappingKey.NumberOf(wrapped);
        return _keys.FirstOrDefault(key => key.Number == id);
    }

    public static RootKey Generate() => new(RandomNumberGenerator.GetBytes(WrappingKey.KeyLength));

    /// <param name="base64">Or several, with white space between, the one that wraps first.</param>
    /// <param name="from">What names it, for the message.</param>
    /// <exception cref="RecordKeyException">Not base64 of 32 bytes.</exception>
    public static RootKey Parse(string base64, string from)
    {
        try
        {
            var keys = Array.ConvertAll(base64.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), Convert.FromBase64String);
            return keys.Length > 0 && keys.All(key => key.Length == WrappingKey.KeyLength) ? new RootKey(keys) : throw new FormatException("other lengths are none");
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

    public void Dispose()
    {
        foreach (var key in _keys)
            key.Dispose();
    }

    private static uint IdOf(byte[] key) => BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. "r1grains root key"u8, .. key]));
}
