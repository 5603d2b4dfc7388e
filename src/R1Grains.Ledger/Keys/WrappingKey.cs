using System.Buffers.Binary;
using System.Security.Cryptography;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Keys;

/// <summary>Wraps other keys: AES-256-GCM, bound to the name under which the wrapped one is stored.</summary>
/// <param name="number">Told in what it wraps: the version of a tenant's key, or the id of a root key.</param>
internal sealed class WrappingKey(ReadOnlySpan<byte> key, uint number) : IDisposable
{
    public const int KeyLength = 32;

    private const byte Format = 1;
    private const int Head = 5;
    private const int WrappedLength = Head + DataKey.NonceLength + KeyLength + DataKey.TagLength;

    /// <summary>One thread at a time.</summary>
    private readonly AesGcm _key = new(key, DataKey.TagLength);

    public uint Number => number;

    /// <summary>Of the key that wrapped it.</summary>
    /// <exception cref="InvalidDataException">No wrapped key.</exception>
    public static uint NumberOf(byte[] wrapped) => wrapped is { Length: WrappedLength } && wrapped[0] == Format
        ? BinaryPrimitives.ReadUInt32BigEndian(wrapped.AsSpan(1))
        : throw new InvalidDataException($"it has {wrapped.Length} bytes that are no wrapped key");

    public byte[] Wrap(ReadOnlySpan<byte> plain, KeyName name)
    {
        var wrapped = new byte[WrappedLength];
        wrapped[0] = Format;
        BinaryPrimitives.WriteUInt32BigEndian(wrapped.AsSpan(1), number);
        var nonce = wrapped.AsSpan(Head, DataKey.NonceLength);
        RandomNumberGenerator.Fill(nonce);
        lock (_key)
            _key.Encrypt(nonce, plain, wrapped.AsSpan(Head + DataKey.NonceLength, KeyLength), wrapped.AsSpan(WrappedLength - DataKey.TagLength), Bound(wrapped, name));
        return wrapped;
    }

    /// <summary>To be zeroed by the caller.</summary>
    /// <exception cref="InvalidDataException">Not wrapped by this key under this name.</exception>
    public byte[] Unwrap(byte[] wrapped, KeyName name)
    {
        _ = NumberOf(wrapped);
        var plain = new byte[KeyLength];
        try
        {
            lock (_key)
                _key.Decrypt(wrapped.AsSpan(Head, DataKey.NonceLength), wrapped.AsSpan(Head + DataKey.NonceLength, KeyLength), wrapped.AsSpan(WrappedLength - DataKey.TagLength), plain, Bound(wrapped, name));
            return plain;
        }
        catch (AuthenticationTagMismatchException altered)
        {
            throw new InvalidDataException("it was wrapped by another key, or altered", altered);
        }
    }

    public void Dispose() => _key.Dispose();

    private static byte[] Bound(byte[] wrapped, KeyName name) => new ByteWriter().Bytes(wrapped.AsSpan(0, Head)).String(name.Tenant).String(name.Name).ToArray();
}
