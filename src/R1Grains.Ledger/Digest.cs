using System.Buffers.Binary;
using System.Security.Cryptography;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger;

/// <summary>A SHA-256 value: 32 bytes, written as 64 lower-case hex digits.</summary>
public readonly record struct Digest
{
    public const int Length = 32;

    /// <summary>Kept, because OpenSSL asks more for making one than for hashing a record of some hundred bytes.</summary>
    [ThreadStatic]
    private static IncrementalHash? _sha256;

    private readonly ulong _a, _b, _c, _d;

    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public Digest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"A digest has {Length} bytes, this has {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    public static Digest Of(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[Length];
        var sha256 = _sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha256.AppendData(data);
        sha256.GetHashAndReset(hash);
        return new Digest(hash);
    }

    /// <summary>Of a prompt as the record keeps it: four bytes each, big-endian.</summary>
    public static Digest OfTokens(ReadOnlySpan<int> ids) => Of(TokenIds.Encode(ids));

    /// <exception cref="FormatException">Not 64 hex digits.</exception>
    public static Digest Parse(string hex) =>
        hex.Length == 2 * Length ? new Digest(Convert.FromHexString(hex)) : throw new FormatException($"A digest has {2 * Length} hex digits, this has {hex.Length}.");

    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _d);
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        CopyTo(bytes);
        return bytes;
    }

    public override string ToString() => Convert.ToHexStringLower(ToArray());
}
