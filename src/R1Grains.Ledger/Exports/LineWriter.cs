using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Exports;

/// <summary>Writes lines of an export: JSON without white space, with its members in a fixed order.</summary>
internal sealed class LineWriter : IMembers
{
    /// <summary>As the record keeps times: whole microseconds.</summary>
    public const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.ffffffZ";

    private static readonly SearchValues<byte> Escaped = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(value => (byte)value), (byte)'"', (byte)'\\']);

    private readonly ArrayBufferWriter<byte> _bytes = new(4_096);

    // What is being transcribed.
    private byte[] _skeleton = [];
    private int _at;
    private IReadOnlyList<ConfidentialField>? _fields;
    private int _field;
    private Show? _show;

    /// <summary>Whether nothing stands before the next member in its object.</summary>
    private bool _isFirst;

    /// <summary>What a reader gets of a confidential field: itself, something in its place, or nothing.</summary>
    /// <param name="masked">In its place, as the field would be encoded.</param>
    public delegate bool Show(ReadOnlySpan<byte> name, ConfidentialField field, out byte[]? masked);

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    /// <summary>Texts that something else stands in the place of, so far.</summary>
    public int Masked { get; private set; }

    public void Clear()
    {
        _bytes.ResetWrittenCount();
        (Masked, _isFirst) = (0, false);
    }

    public void Start(string record)
    {
        Raw("{\"record\":\""u8);
        Raw(Encoding.ASCII.GetBytes(record));
        Raw("\""u8);
    }

    public void Finish() => Raw("}\n"u8);

    public void Text(ReadOnlySpan<byte> name, string value)
    {
        Member(name);
        Quoted(ByteWriter.StrictUtf8.GetBytes(value));
    }

    public void Number(ReadOnlySpan<byte> name, long value)
    {
        Member(name);
        Number(value);
    }

    public void Time(ReadOnlySpan<byte> name, long microseconds)
    {
        Member(name);
        Quoted(Encoding.ASCII.GetBytes(Microseconds.ToTime(microseconds).UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)));
    }

    public void Hash(ReadOnlySpan<byte> name, Digest value)
    {
        Member(name);
        Quoted(Encoding.ASCII.GetBytes(value.ToString()));
    }

    /// <param name="value">Null for what does not apply.</param>
    public void Flag(ReadOnlySpan<byte> name, bool? value)
    {
        Member(name);
        Raw(value switch { null => "null"u8, true => "true"u8, false => "false"u8 });
    }

    /// <summary>A line of a proof: the root of a subtree.</summary>
    public void Node(Digest node)
    {
        Raw("{\"node\":"u8);
        Quoted(Encoding.ASCII.GetBytes(node.ToString()));
        Finish();
    }

    /// <summary>A line of a proof: an entry.</summary>
    public void Leaf(ExportedLeaf leaf)
    {
        Raw("{\"leaf\":"u8);
        Number(leaf.Number);
        Text("conversation"u8, leaf.Conversation);
        Number("index"u8, leaf.Index);
        Hash("hash"u8, leaf.Hash);
        Finish();
    }

    /// <summary>Transcribes a skeleton.</summary>
    /// <param name="fields">Null where none can be opened.</param>
    /// <exception cref="InvalidDataException">It is none, or a field is not the one that it commits to.</exception>
    public void Transcribe(EntryKind kind, byte[] skeleton, IReadOnlyList<ConfidentialField>? fields, Show show)
    {
        (_skeleton, _at, _fields, _field, _show) = (skeleton, 0, fields, 0, show);
        RecordForm.Of(kind, this);
        if (_at != skeleton.Length || fields is not null && _field != fields.Count)
            throw new InvalidDataException("a skeleton or its fields go on after their end");
    }

    public void Text(ReadOnlySpan<byte> name)
    {
        Member(name);
        Quoted(Take(Count()));
    }

    public void Hash(ReadOnlySpan<byte> name)
    {
        Member(name);
        Hex(Take(Digest.Length));
    }

    public void Int32(ReadOnlySpan<byte> name) => Number(name, BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int))));

    public void Int64(ReadOnlySpan<byte> name) => Number(name, BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long))));

    public void Unsigned(ReadOnlySpan<byte> name)
    {
        Member(name);
        Quoted(Encoding.ASCII.GetBytes(BinaryPrimitives.ReadUInt64BigEndian(Take(sizeof(ulong))).ToString(CultureInfo.InvariantCulture)));
    }

    public void Time(ReadOnlySpan<byte> name) => Time(name, BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long))));

    public void Byte(ReadOnlySpan<byte> name) => Number(name, Take(1)[0]);

    public void Flag(ReadOnlySpan<byte> name) => Flag(name, Bit());

    public void Word(ReadOnlySpan<byte> name, Words words)
    {
        Member(name);
        Quoted(words[Take(1)[0]]);
    }

    public void Key(ReadOnlySpan<byte> name)
    {
        Member(name);
        Quoted(Encoding.ASCII.GetBytes(DataKeyId.Of(Take(DataKeyId.Length)).ToString()));
    }

    public void Confidential(ReadOnlySpan<byte> name, FieldForm form)
    {
        Member(name);
        var commitment = new Digest(Take(Digest.Length));
        byte[]? masked = null;
        if (_fields is not null)
        {
            if (_field == _fields.Count || _fields[_field].Commitment != commitment)
                throw new InvalidDataException($"confidential field {_field} is not the one that is committed to");
            var field = _fields[_field++];
            if (form is not FieldForm.Closed && _show!(name, field, out masked))
            {
                Raw("{\"salt\":"u8);
                Hex(field.Salt);
                Raw(",\"value\":"u8);
                Value(form, field.Bytes);
                Raw("}"u8);
                return;
            }
        }
        Raw("{\"commitment\":"u8);
        Quoted(Encoding.ASCII.GetBytes(commitment.ToString()));
        if (masked is not null)
        {
            Masked++;
            Raw(",\"masked\":"u8);
            Value(form, masked);
        }
        Raw("}"u8);
    }

    public bool Present(ReadOnlySpan<byte> name)
    {
        if (Bit())
            return true;
        Member(name);
        Raw("null"u8);
        return false;
    }

    public void List(ReadOnlySpan<byte> name, Action<IMembers> item)
    {
        Member(name);
        Raw("["u8);
        for (int i = 0, count = Count(); i < count; i++)
        {
            Raw(i == 0 ? "{"u8 : ",{"u8);
            _isFirst = true;
            item(this);
            End();
        }
        Raw("]"u8);
    }

    public void Texts(ReadOnlySpan<byte> name)
    {
        Member(name);
        Raw("["u8);
        for (int i = 0, count = Count(); i < count; i++)
        {
            Raw(i == 0 ? ""u8 : ","u8);
            Quoted(Take(Count()));
        }
        Raw("]"u8);
    }

    public void Begin(ReadOnlySpan<byte> name)
    {
        Member(name);
        Raw("{"u8);
        _isFirst = true;
    }

    public void End()
    {
        Raw("}"u8);
        _isFirst = false;
    }

    private void Value(FieldForm form, ReadOnlySpan<byte> field)
    {
        if (form is FieldForm.Text)
        {
            Quoted(field);
            return;
        }
        var reader = new ByteReader(field);
        Raw("["u8);
        for (int i = 0, count = reader.Int32(); i < count; i++)
        {
            Raw(i == 0 ? ""u8 : ","u8);
            if (form is FieldForm.Entries)
            {
                Quoted(Encoding.ASCII.GetBytes(reader.Int64().ToString("x16", CultureInfo.InvariantCulture)));
                continue;
            }
            Raw("{\"name\":"u8);
            Quoted(ByteWriter.StrictUtf8.GetBytes(reader.String()));
            Raw(",\"value\":"u8);
            Quoted(ByteWriter.StrictUtf8.GetBytes(reader.String()));
            Raw("}"u8);
        }
        reader.End();
        Raw("]"u8);
    }

    private void Member(ReadOnlySpan<byte> name)
    {
        Raw(_isFirst ? "\""u8 : ",\""u8);
        Raw(name);
        Raw("\":"u8);
        _isFirst = false;
    }

    private void Number(long value)
    {
        Utf8Formatter.TryFormat(value, _bytes.GetSpan(20), out var length);
        _bytes.Advance(length);
    }

    private void Hex(ReadOnlySpan<byte> bytes) => Quoted(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes)));

    private void Quoted(ReadOnlySpan<byte> utf8)
    {
        Raw("\""u8);
        for (int at; (at = utf8.IndexOfAny(Escaped)) >= 0; utf8 = utf8[(at + 1)..])
        {
            Raw(utf8[..at]);
            Raw(utf8[at] switch
            {
                (byte)'"' => "\\\""u8,
                (byte)'\\' => "\\\\"u8,
                (byte)'\n' => "\\n"u8,
                (byte)'\r' => "\\r"u8,
                (byte)'\t' => "\\t"u8,
                var control => Encoding.ASCII.GetBytes($"\\u{control:x4}"),
            });
        }
        Raw(utf8);
        Raw("\""u8);
    }

    private void Raw(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

    private bool Bit() => Take(1)[0] switch
    {
        0 => false,
        1 => true,
        var other => throw new InvalidDataException($"a presence byte is {other}"),
    };

    private int Count() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > _skeleton.Length - _at)
            throw new InvalidDataException($"a skeleton ends within a field of {length} bytes");
        _at += length;
        return _skeleton.AsSpan(_at - length, length);
    }
}
