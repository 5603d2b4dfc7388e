using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;

namespace R1Grains.Ledger.Exports;

/// <summary>
/// Reads lines as <see cref="LineWriter"/> writes them, and nothing else, and makes skeletons of them again. It is kept from
/// line to line and allocates for none of them. What is not as it must be throws <see cref="InvalidDataException"/>.
/// </summary>
internal sealed class LineReader : IMembers
{
    private const int TimeLength = 27;

    private static readonly SearchValues<byte> Special = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(value => (byte)value), (byte)'"', (byte)'\\']);

    private byte[] _line = [];
    private int _start;
    private int _at;
    private int _end;
    private bool _isFirst;

    private byte[] _skeleton = new byte[4_096];
    private int _length;

    /// <summary>What a commitment is to: 0x03, the salt, the field.</summary>
    private byte[] _opening = new byte[4_096];
    private int _openingLength;

    /// <summary>Confidential fields of the line that are opened.</summary>
    public int Opened { get; private set; }

    /// <summary>Confidential fields of the line in whose place something else is shown.</summary>
    public int Masked { get; private set; }

    public ReadOnlySpan<byte> Skeleton => _skeleton.AsSpan(0, _length);

    private ReadOnlySpan<byte> Rest => _line.AsSpan(_at, _end - _at);

    /// <param name="end">After its last byte, which is no line's end.</param>
    public void Start(byte[] buffer, int start, int end) => (_line, _start, _at, _end, _length, Opened, Masked, _isFirst) = (buffer, start, start, end, 0, 0, 0, false);

    /// <summary>Which record the line holds; a piece, which is no entry, is 0.</summary>
    public EntryKind Kind()
    {
        Expect("{\"record\":\""u8);
        var name = Rest[..Math.Max(0, Rest.IndexOf((byte)'"'))];
        for (var kind = 0; kind < RecordForm.Names.Length; kind++)
        {
            if (!Ascii.Equals(name, RecordForm.Names[kind]))
                continue;
            _at += name.Length + 1;
            return (EntryKind)kind;
        }
        throw Wrong($"a record is none of {string.Join(", ", RecordForm.Names)}");
    }

    public void Transcribe(EntryKind kind) => RecordForm.Of(kind, this);

    public void Finish()
    {
        Expect("}"u8);
        if (_at != _end)
            throw Wrong($"{_end - _at} bytes too many");
    }

    public bool TryMember(ReadOnlySpan<byte> name)
    {
        if (!IsMember(name))
            return false;
        Member(name);
        return true;
    }

    public long Number(ReadOnlySpan<byte> name)
    {
        Member(name);
        return Number();
    }

    public int Small(ReadOnlySpan<byte> name) => Number(name) is >= int.MinValue and <= int.MaxValue and var value ? (int)value : throw Wrong("a number is too large");

    public long TimeOf(ReadOnlySpan<byte> name)
    {
        Member(name);
        return Microsecond();
    }

    public Digest Digest(ReadOnlySpan<byte> name)
    {
        Member(name);
        return Quoted();
    }

    /// <summary>A hash, behind the name of its member.</summary>
    public Digest Quoted()
    {
        Span<byte> bytes = stackalloc byte[Ledger.Digest.Length];
        Quote();
        Hex(bytes);
        Quote();
        return new Digest(bytes);
    }

    /// <summary>The text as it would be encoded, in a buffer that holds until the next field.</summary>
    public ReadOnlySpan<byte> String(ReadOnlySpan<byte> name)
    {
        Member(name);
        _openingLength = 0;
        Unquote(ref _opening, ref _openingLength);
        return _opening.AsSpan(0, _openingLength);
    }

    /// <returns>Null for <c>null</c>.</returns>
    public bool? FlagOf(ReadOnlySpan<byte> name)
    {
        Member(name);
        return Try("true"u8) ? true : Try("false"u8) ? false : Try("null"u8) ? null : throw Wrong("neither true nor false nor null");
    }

    /// <summary>A line of a proof: the root of a subtree.</summary>
    public bool TryNode(out Digest node)
    {
        node = default;
        if (!Try("{\"node\":"u8))
            return false;
        node = Quoted();
        Finish();
        return true;
    }

    /// <summary>A line of a proof: an entry.</summary>
    public (long Number, string Conversation, long Index, Digest Hash) Leaf()
    {
        Expect("{\"leaf\":"u8);
        var number = Number();
        var conversation = Encoding.UTF8.GetString(String("conversation"u8));
        var leaf = (number, conversation, Number("index"u8), Digest("hash"u8));
        Finish();
        return leaf;
    }

    public void Text(ReadOnlySpan<byte> name)
    {
        Member(name);
        TextItem();
    }

    public void Hash(ReadOnlySpan<byte> name)
    {
        Member(name);
        Quote();
        Hex(Room(ref _skeleton, ref _length, Ledger.Digest.Length));
        Quote();
    }

    public void Int32(ReadOnlySpan<byte> name) => BinaryPrimitives.WriteInt32BigEndian(Room(ref _skeleton, ref _length, sizeof(int)), Small(name));

    public void Int64(ReadOnlySpan<byte> name) => BinaryPrimitives.WriteInt64BigEndian(Room(ref _skeleton, ref _length, sizeof(long)), Number(name));

    public void Unsigned(ReadOnlySpan<byte> name)
    {
        Member(name);
        Quote();
        if (!Utf8Parser.TryParse(Rest, out ulong value, out var length) || length > 1 && Rest[0] == '0')
            throw Wrong("no unsigned number");
        _at += length;
        BinaryPrimitives.WriteUInt64BigEndian(Room(ref _skeleton, ref _length, sizeof(ulong)), value);
        Quote();
    }

    public void Time(ReadOnlySpan<byte> name) => BinaryPrimitives.WriteInt64BigEndian(Room(ref _skeleton, ref _length, sizeof(long)), TimeOf(name));

    public void Byte(ReadOnlySpan<byte> name) => Room(ref _skeleton, ref _length, 1)[0] = Number(name) is >= 0 and <= 255 and var value ? (byte)value : throw Wrong("a number is no byte");

    public void Flag(ReadOnlySpan<byte> name) => Room(ref _skeleton, ref _length, 1)[0] = FlagOf(name) switch { true => 1, false => 0, null => throw Wrong("neither true nor false") };

    public void Word(ReadOnlySpan<byte> name, Words words)
    {
        Member(name);
        Quote();
        var length = Math.Max(0, Rest.IndexOf((byte)'"'));
        var number = words.Find(Rest[..length]);
        _at += length;
        Quote();
        Room(ref _skeleton, ref _length, 1)[0] = number;
    }

    public void Key(ReadOnlySpan<byte> name)
    {
        Member(name);
        Quote();
        var key = Room(ref _skeleton, ref _length, DataKeyId.Length);
        Hex(key[..Ledger.Digest.Length]);
        Expect("-"u8);
        BinaryPrimitives.WriteInt32BigEndian(key[Ledger.Digest.Length..], (int)Number());
        Expect("-"u8);
        BinaryPrimitives.WriteInt32BigEndian(key[(Ledger.Digest.Length + sizeof(int))..], (int)Number());
        Quote();
    }

    public void Confidential(ReadOnlySpan<byte> name, FieldForm form)
    {
        Member(name);
        if (Try("{\"salt\":\""u8))
        {
            if (form is FieldForm.Closed)
                throw Wrong("a field is opened that no export opens");
            _openingLength = 0;
            Room(ref _opening, ref _openingLength, 1)[0] = 0x03;
            Hex(Room(ref _opening, ref _openingLength, ConfidentialField.SaltLength));
            Expect("\",\"value\":"u8);
            Value(form);
            Ledger.Digest.Of(_opening.AsSpan(0, _openingLength)).CopyTo(Room(ref _skeleton, ref _length, Ledger.Digest.Length));
            Opened++;
        }
        else
        {
            Expect("{\"commitment\":\""u8);
            Hex(Room(ref _skeleton, ref _length, Ledger.Digest.Length));
            Quote();
            if (Try(",\"masked\":"u8))
            {
                _openingLength = 0;
                Value(form);
                Masked++;
            }
        }
        Expect("}"u8);
    }

    public bool Present(ReadOnlySpan<byte> name)
    {
        var isPresent = !(IsMember(name) && IsNull(name.Length));
        Room(ref _skeleton, ref _length, 1)[0] = (byte)(isPresent ? 1 : 0);
        if (isPresent)
            return true;
        Member(name);
        Expect("null"u8);
        return false;
    }

    public void List(ReadOnlySpan<byte> name, Action<IMembers> item)
    {
        Member(name);
        Expect("["u8);
        var (place, count) = (_length, 0);
        Room(ref _skeleton, ref _length, sizeof(int));
        for (; !Try("]"u8); count++)
        {
            Expect(count == 0 ? "{"u8 : ",{"u8);
            _isFirst = true;
            item(this);
            End();
        }
        BinaryPrimitives.WriteInt32BigEndian(_skeleton.AsSpan(place), count);
    }

    public void Texts(ReadOnlySpan<byte> name)
    {
        Member(name);
        Expect("["u8);
        var (place, count) = (_length, 0);
        Room(ref _skeleton, ref _length, sizeof(int));
        for (; !Try("]"u8); count++)
        {
            if (count > 0)
                Expect(","u8);
            TextItem();
        }
        BinaryPrimitives.WriteInt32BigEndian(_skeleton.AsSpan(place), count);
    }

    public void Begin(ReadOnlySpan<byte> name)
    {
        Member(name);
        Expect("{"u8);
        _isFirst = true;
    }

    public void End()
    {
        Expect("}"u8);
        _isFirst = false;
    }

    private void TextItem()
    {
        var place = _length;
        Room(ref _skeleton, ref _length, sizeof(int));
        Unquote(ref _skeleton, ref _length);
        BinaryPrimitives.WriteInt32BigEndian(_skeleton.AsSpan(place), _length - place - sizeof(int));
    }

    /// <summary>A field's value, into the opening.</summary>
    private void Value(FieldForm form)
    {
        if (form is FieldForm.Text)
        {
            Unquote(ref _opening, ref _openingLength);
            return;
        }
        Expect("["u8);
        var (place, count) = (_openingLength, 0);
        Room(ref _opening, ref _openingLength, sizeof(int));
        for (; !Try("]"u8); count++)
        {
            if (count > 0)
                Expect(","u8);
            if (form is FieldForm.Entries)
            {
                Quote();
                Hex(Room(ref _opening, ref _openingLength, sizeof(ulong)));
                Quote();
                continue;
            }
            Expect("{\"name\":"u8);
            Counted();
            Expect(",\"value\":"u8);
            Counted();
            Expect("}"u8);
        }
        BinaryPrimitives.WriteInt32BigEndian(_opening.AsSpan(place), count);
    }

    private void Counted()
    {
        var place = _openingLength;
        Room(ref _opening, ref _openingLength, sizeof(int));
        Unquote(ref _opening, ref _openingLength);
        BinaryPrimitives.WriteInt32BigEndian(_opening.AsSpan(place), _openingLength - place - sizeof(int));
    }

    private bool IsMember(ReadOnlySpan<byte> name)
    {
        var rest = Rest;
        var skip = _isFirst ? 1 : 2;
        return rest.Length > skip + name.Length + 1 && rest[skip - 1] == '"' && (_isFirst || rest[0] == ',') && rest[skip..].StartsWith(name) && rest[skip + name.Length] == '"' && rest[skip + name.Length + 1] == ':';
    }

    private bool IsNull(int nameLength) => Rest[((_isFirst ? 3 : 4) + nameLength)..].StartsWith("null"u8);

    private void Member(ReadOnlySpan<byte> name)
    {
        if (!IsMember(name))
            throw Wrong($"the member \"{Encoding.ASCII.GetString(name)}\" is missing");
        _at += (_isFirst ? 3 : 4) + name.Length;
        _isFirst = false;
    }

    private long Number()
    {
        var rest = Rest;
        if (!Utf8Parser.TryParse(rest, out long value, out var length) || rest[0] == '+' || rest[0] == '0' && length > 1 || rest[0] == '-' && rest[1] == '0')
            throw Wrong("no whole number");
        _at += length;
        return value;
    }

    private void Hex(Span<byte> bytes)
    {
        var digits = Rest;
        if (digits.Length < 2 * bytes.Length)
            throw Wrong("a hash is cut off");
        digits = digits[..(2 * bytes.Length)];
        if (Convert.FromHexString(digits, bytes, out _, out _) is not OperationStatus.Done || digits.ContainsAnyInRange((byte)'A', (byte)'F'))
            throw Wrong($"no {digits.Length} lower-case hex digits");
        _at += digits.Length;
    }

    /// <summary>As <see cref="LineWriter.TimeFormat"/>.</summary>
    private long Microsecond()
    {
        Quote();
        var text = Rest;
        if (text.Length < TimeLength || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != '.' || text[26] != 'Z')
            throw Wrong("no time like 2026-01-05T09:30:00.123456Z");
        var (year, month, day) = (Digits(text, 0, 4), Digits(text, 5, 2), Digits(text, 8, 2));
        var (hour, minute, second) = (Digits(text, 11, 2), Digits(text, 14, 2), Digits(text, 17, 2));
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
            throw Wrong("a time that is none");
        _at += TimeLength;
        Quote();
        var days = (new DateTime(year, month, day).Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerDay;
        return ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000L + Digits(text, 20, 6);
    }

    private int Digits(ReadOnlySpan<byte> text, int start, int count)
    {
        var value = 0;
        foreach (var digit in text.Slice(start, count))
            value = digit is >= (byte)'0' and <= (byte)'9' ? 10 * value + digit - '0' : throw Wrong("a time has a digit that is none");
        return value;
    }

    /// <summary>Appends a JSON string's bytes.</summary>
    private void Unquote(ref byte[] buffer, ref int length)
    {
        Quote();
        while (true)
        {
            var rest = Rest;
            var at = rest.IndexOfAny(Special);
            if (at < 0)
                throw Wrong("a text does not end");
            rest[..at].CopyTo(Room(ref buffer, ref length, at));
            _at += at;
            if (rest[at] == '"')
                break;
            if (rest[at] != '\\')
                throw Wrong("a control character in a text");
            _at++;
            Escape(ref buffer, ref length);
        }
        Quote();
    }

    /// <summary>Those that are written, alone.</summary>
    private void Escape(ref byte[] buffer, ref int length)
    {
        var escaped = Rest;
        var value = escaped switch
        {
            [(byte)'"', ..] => '"',
            [(byte)'\\', ..] => '\\',
            [(byte)'n', ..] => '\n',
            [(byte)'r', ..] => '\r',
            [(byte)'t', ..] => '\t',
            [(byte)'u', (byte)'0', (byte)'0', var high, var low, ..] when Utf8Parser.TryParse([high, low], out byte control, out _, 'x') && control < 0x20 => (char)control,
            _ => throw Wrong("an escape in a text that is none of \\\" \\\\ \\n \\r \\t and \\u00.."),
        };
        _at += escaped[0] == 'u' ? 5 : 1;
        Room(ref buffer, ref length, 1)[0] = (byte)value;
    }

    private void Quote() => Expect("\""u8);

    private void Expect(ReadOnlySpan<byte> bytes)
    {
        if (!Try(bytes))
            throw Wrong($"{Encoding.ASCII.GetString(bytes)} is missing");
    }

    private bool Try(ReadOnlySpan<byte> bytes)
    {
        if (!Rest.StartsWith(bytes))
            return false;
        _at += bytes.Length;
        return true;
    }

    private static Span<byte> Room(ref byte[] buffer, ref int length, int count)
    {
        if (buffer.Length - length < count)
            Array.Resize(ref buffer, Math.Max(2 * buffer.Length, length + count));
        length += count;
        return buffer.AsSpan(length - count, count);
    }

    private InvalidDataException Wrong(string what) => new($"it cannot be read at byte {_at - _start + 1}: {what}");
}
