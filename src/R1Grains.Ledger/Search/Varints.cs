using System.Buffers;

namespace R1Grains.Ledger.Search;

/// <summary>Numbers in seven bits a byte, the lowest first: small ones, as differences are, take one.</summary>
internal static class Varints
{
    public static void Write(this ArrayBufferWriter<byte> bytes, ulong number)
    {
        var span = bytes.GetSpan(10);
        var length = 0;
        for (; number >= 0x80; number >>= 7)
            span[length++] = (byte)(number | 0x80);
        span[length++] = (byte)number;
        bytes.Advance(length);
    }

    /// <summary>Of either sign.</summary>
    public static void WriteSigned(this ArrayBufferWriter<byte> bytes, long number) => bytes.Write((ulong)(number << 1 ^ number >> 63));

    /// <param name="at">Is moved behind it.</param>
    /// <exception cref="InvalidDataException"/>
    public static ulong Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        var number = 0UL;
        for (var shift = 0; shift < 64 && at < bytes.Length; shift += 7)
        {
            var next = bytes[at++];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return number;
        }
        throw new InvalidDataException("a number of the search index does not end");
    }

    /// <inheritdoc cref="Read"/>
    public static long ReadSigned(ReadOnlySpan<byte> bytes, ref int at)
    {
        var number = Read(bytes, ref at);
        return (long)(number >> 1) ^ -(long)(number & 1);
    }
}
