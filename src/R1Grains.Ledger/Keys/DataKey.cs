using System.Security.Cryptography;

namespace R1Grains.Ledger.Keys;

/// <summary>An open data key: AES-256-GCM with random nonces, which are enough for 2³² seals of one key.</summary>
internal sealed class DataKey(DataKeyId id, ReadOnlySpan<byte> key)
{
    /// <summary>In bytes.</summary>
    public const int NonceLength = 12;

    /// <summary>In bytes.</summary>
    public const int TagLength = 16;

    /// <summary>Kept for each key, because to make one takes as long as to seal two kilobytes. One thread at a time.</summary>
    private readonly AesGcm _key = new(key, TagLength);
    private bool _destroyed;

    public DataKeyId Id => id;

    /// <returns>nonce ‖ ciphertext ‖ tag</returns>
    /// <exception cref="KeyDestroyedException"/>
    public byte[] Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> place)
    {
        var bytes = new byte[NonceLength + plain.Length + TagLength];
        var nonce = bytes.AsSpan(0, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        lock (_key)
            Live().Encrypt(nonce, plain, bytes.AsSpan(NonceLength, plain.Length), bytes.AsSpan(NonceLength + plain.Length), place);
        return bytes;
    }

    /// <exception cref="KeyDestroyedException"/>
    /// <exception cref="InvalidDataException">Not what this key sealed in this place.</exception>
    public byte[] Open(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> place)
    {
        if (bytes.Length < NonceLength + TagLength)
            throw new InvalidDataException($"what is sealed has {bytes.Length} bytes, fewer than any");
        var plain = new byte[bytes.Length - NonceLength - TagLength];
        try
        {
            lock (_key)
                Live().Decrypt(bytes[..NonceLength], bytes[NonceLength..^TagLength], bytes[^TagLength..], plain, place);
            return plain;
        }
        catch (AuthenticationTagMismatchException altered)
        {
            throw new InvalidDataException("what is sealed is not what its key sealed in this place", altered);
        }
    }

    /// <summary>Nothing can be sealed or opened from then on.</summary>
    public void Destroy()
    {
        lock (_key)
        {
            _destroyed = true;
            _key.Dispose();
        }
    }

    private AesGcm Live() => _destroyed ? throw new KeyDestroyedException(id) : _key;
}

/// <summary>What was sealed by the key cannot be read by anybody any more.</summary>
internal sealed class KeyDestroyedException(DataKeyId id) : Exception($"The key {id} was destroyed.");
