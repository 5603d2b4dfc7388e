using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace R1Grains.Gateway;

/// <summary>
/// SHA-256 over what a request means, without its id: the kind, then every value as UTF-8 behind its length (4 bytes,
/// big-endian). It stands in the record, so the same meaning must give the same bytes in every version.
/// </summary>
internal static class PayloadHash
{
    public static byte[] Of(string kind, params IEnumerable<string> values)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var value in values.Prepend(kind))
        {
            var bytes = Encoding.UTF8.GetBytes(value);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        return hash.GetHashAndReset();
    }
}
