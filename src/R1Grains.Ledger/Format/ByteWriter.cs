using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace R1Grains.Ledger.Format;

/// <summary>Writes the record's encoding: big-endian integers, counted strings and lists, a presence byte before what is optional.</summary>
/// <param name="capacity">In bytes, at first.</param>
internal sealed class ByteWriter(int capacity = 1_024)
{
    /// <summary>Refuses lone surrogates: what cannot be written without loss must not be hashed as something else.</summary>
    public static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _bytes = new(capacity);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public ByteWriter Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
        return this;
    }

    public ByteWriter Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
        return this;
    }

    public ByteWriter Int64(long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
        return this;
    }

    public ByteWriter Digest(Digest value)
    {
        value.CopyTo(_bytes.GetSpan(Ledger.Digest.Length));
        _bytes.Advance(Ledger.Digest.Length);
        return this;
    }

    /// <exception cref="EncoderFallbackException">Not valid Unicode.</exception>
    public ByteWriter String(string value)
    {
        var length = StrictUtf8.GetByteCount(value);
        Int32(length);
        StrictUtf8.GetBytes(value, _bytes.GetSpan(length));
        _bytes.Advance(length);
        return this;
    }

    public ByteWriter Key(Keys.DataKeyId value) => Digest(value.Subject).Int32(value.Period).Int32(value.Generation);

    public ByteWriter Decimal(decimal value) => String(value.ToString(CultureInfo.InvariantCulture));

    public ByteWriter Time(DateTimeOffset value) => Int64(Microseconds.Of(value));

    public ByteWriter Optional<T>(T? value, Func<ByteWriter, T, ByteWriter> write) where T : class =>
        value is null ? Byte(0) : write(Byte(1), value);

    public ByteWriter Optional<T>(T? value, Func<ByteWriter, T, ByteWriter> write) where T : struct =>
        value is null ? Byte(0) : write(Byte(1), value.Value);

    public ByteWriter List<T>(IReadOnlyList<T> values, Func<ByteWriter, T, ByteWriter> write)
    {
        Int32(values.Count);
        foreach (var value in values)
            write(this, value);
        return this;
    }

    public ByteWriter Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }
}
