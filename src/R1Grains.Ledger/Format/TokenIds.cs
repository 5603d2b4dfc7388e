using System.Buffers.Binary;

namespace R1Grains.Ledger.Format;

/// <summary>Token ids as bytes: four each, big-endian, without a count.</summary>
internal static class TokenIds
{
    public static byte[] Encode(IReadOnlyList<int> ids)
    {
        var bytes = new byte[4 * ids.Count];
        for (var i = 0; i < ids.Count; i++)
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * i), ids[i]);
        return bytes;
    }

    public static byte[] Encode(ReadOnlySpan<int> ids)
    {
        var bytes = new byte[4 * ids.Length];
        for (var i = 0; i < ids.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * i), ids[i]);
        return bytes;
    }

    public static int[] Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % 4 != 0)
            throw new InvalidDataException($"token ids take 4 bytes each, here are {bytes.Length}");
        var ids = new int[bytes.Length / 4];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = BinaryPrimitives.ReadInt32BigEndian(bytes[(4 * i)..]);
        return ids;
    }
}
