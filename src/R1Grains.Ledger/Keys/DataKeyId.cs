using System.Buffers.Binary;
using System.Globalization;

namespace R1Grains.Ledger.Keys;

/// <summary>Names the key under which a conversation's words lie.</summary>
/// <param name="Subject">Of the customer whose words they are, or of the conversation itself: see <see cref="Keys.Subject"/>.</param>
/// <param name="Period">Year and month, as in 202601, in which its conversations were opened: what is past its time is destroyed by it.</param>
/// <param name="Generation">From 1; raised where the one before was destroyed and its subject came back.</param>
public readonly record struct DataKeyId(Digest Subject, int Period, int Generation)
{
    /// <summary>In bytes.</summary>
    public const int Length = Digest.Length + 8;

    public static int PeriodOf(DateTimeOffset time) => 100 * time.UtcDateTime.Year + time.UtcDateTime.Month;

    /// <exception cref="InvalidDataException">Not the bytes of one.</exception>
    public static DataKeyId Of(ReadOnlySpan<byte> bytes) => bytes.Length == Length
        ? new(new Digest(bytes[..Digest.Length]), BinaryPrimitives.ReadInt32BigEndian(bytes[Digest.Length..]), BinaryPrimitives.ReadInt32BigEndian(bytes[(Digest.Length + 4)..]))
        : throw new InvalidDataException($"the name of a data key has {Length} bytes, here are {bytes.Length}");

    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        Subject.CopyTo(bytes);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(Digest.Length), Period);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(Digest.Length + 4), Generation);
        return bytes;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Subject}-{Period}-{Generation}");

    /// <param name="text">As <see cref="ToString"/> writes it.</param>
    /// <exception cref="FormatException"/>
    public static DataKeyId Parse(string text) =>
        text.Split('-') is [var subject, var period, var generation]
            ? new(Digest.Parse(subject), int.Parse(period, NumberStyles.None, CultureInfo.InvariantCulture), int.Parse(generation, NumberStyles.None, CultureInfo.InvariantCulture))
            : throw new FormatException($"'{text}' names no data key");
}
