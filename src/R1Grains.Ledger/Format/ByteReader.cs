using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace R1Grains.Ledger.Format;

/// <summary>Reads what <see cref="ByteWriter"/> writes, and nothing else.</summary>
/// <remarks>Every method throws <see cref="InvalidDataException"/> where the bytes are not what it expects.</remarks>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    public delegate T Read<out T>(ref ByteReader reader);

    private ReadOnlySpan<byte> _rest = bytes;

    public byte Byte() => Take(1)[0];

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public Digest Digest() => new(Take(Ledger.Digest.Length));

    public Keys.DataKeyId Key() => Keys.DataKeyId.Of(Take(Keys.DataKeyId.Length));

    public DateTimeOffset Time() => Microseconds.ToTime(Int64());

    public string String()
    {
        try
        {
            return ByteWriter.StrictUtf8.GetString(Take(Count()));
        }
        catch (DecoderFallbackException cause)
        {
            throw new InvalidDataException("a string is not UTF-8", cause);
        }
    }

    public decimal Decimal()
    {
        var text = String();
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidDataException($"a string of {text.Length} characters is not a decimal number");
    }

    public bool Present() => Byte() switch
    {
        0 => false,
        1 => true,
        var other => throw new InvalidDataException($"a presence byte is {other}"),
    };

    public T[] List<T>(Read<T> read)
    {
        var values = new T[Count()];
        for (var i = 0; i < values.Length; i++)
            values[i] = read(ref this);
        return values;
    }

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public byte[] Bytes(int length) => length >= 0 ? Take(length).ToArray() : throw new InvalidDataException($"a length is {length}");

    /// <summary>All that is left.</summary>
    public byte[] Rest() => Take(_rest.Length).ToArray();

    public readonly void End()
    {
        if (!_rest.IsEmpty)
            throw new InvalidDataException($"{_rest.Length} bytes too many");
    }

    /// <summary>A count never exceeds the bytes that are left: each item takes at least one.</summary>
    private int Count()
    {
        var count = Int32();
        return count >= 0 && count <= _rest.Length ? count : throw new InvalidDataException($"a count is {count} with {_rest.Length} bytes left");
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
            throw new InvalidDataException($"{length - _rest.Length} bytes are missing");
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
