using System.Buffers.Binary;
using System.Text;
using R1Grains.Ledger.Format;

namespace R1Grains.Ledger.Exports;

/// <summary>
/// Recomputes the hash of every record of an export from its line, and whether each fits to the ones before it.
/// <see cref="Place"/> tells of which it spoke last.
/// </summary>
/// <param name="tenant">Whose records they are.</param>
internal sealed class RecordsWalk(string tenant)
{
    private readonly LineReader _line = new();
    private readonly byte[] _tenant = new ByteWriter().String(tenant).ToArray();

    /// <summary>Of the conversation that is walked, as it is encoded.</summary>
    private byte[] _conversation = [];
    private string _name = "";

    private byte[] _envelope = new byte[512];

    /// <summary>Of the entry before, if it is of this conversation.</summary>
    private (long Index, Digest Hash, EntryKind Kind)? _before;

    /// <summary>0 while none is open.</summary>
    private int _turn;
    private int _lastTurn;
    private int _pieces;
    private Digest _running;
    private bool _isErased;

    private (EntryKind Kind, long? Index, int? Turn, int? Piece) _at;

    public List<ExportedLeaf> Leaves { get; } = [];

    public long Conversations { get; private set; }

    public long Turns { get; private set; }

    public long Records { get; private set; }

    public long Erased { get; private set; }

    public long Masked { get; private set; }

    public string? Place
    {
        get
        {
            if (_conversation.Length == 0)
                return null;
            var place = new StringBuilder($"{new ConversationKey(tenant, _name)}");
            if (_at.Turn is { } turn) place.Append(System.Globalization.CultureInfo.InvariantCulture, $"/turns/{turn}");
            if (_at.Piece is { } piece) place.Append(System.Globalization.CultureInfo.InvariantCulture, $" piece {piece}");
            if (_at.Index is { } index) place.Append(System.Globalization.CultureInfo.InvariantCulture, $" entry {index}");
            return place.ToString();
        }
    }

    /// <param name="start">Of the line in the buffer.</param>
    /// <param name="end">After its last byte, without its end.</param>
    /// <param name="number">Of the line.</param>
    /// <returns>Whether it begins a conversation.</returns>
    /// <exception cref="InvalidDataException"/>
    public bool Check(byte[] buffer, int start, int end, long number)
    {
        _line.Start(buffer, start, end);
        var kind = _line.Kind();
        var name = _line.String("conversation"u8);
        var begins = kind is EntryKind.ConversationOpened;
        if (begins)
            Begin(name);
        else if (_conversation.Length == 0 || !name.SequenceEqual(_conversation.AsSpan(sizeof(int))))
            throw new InvalidDataException("it is of another conversation than the one that was opened before");
        if (kind == 0)
            CheckPiece();
        else
            CheckEntry(kind, number);
        Masked += _line.Masked;
        if (_isErased && _line.Opened + _line.Masked > 0)
            throw new InvalidDataException("its conversation is erased, and words of it are shown");
        Records++;
        return begins;
    }

    /// <summary>After the last line.</summary>
    /// <exception cref="InvalidDataException"/>
    public void End()
    {
        if (_turn == 0)
            return;
        _at = (EntryKind.TurnClosed, null, _turn, null);
        throw new InvalidDataException("the turn's end is missing");
    }

    private void Begin(ReadOnlySpan<byte> name)
    {
        End();
        _conversation = new byte[sizeof(int) + name.Length];
        BinaryPrimitives.WriteInt32BigEndian(_conversation, name.Length);
        name.CopyTo(_conversation.AsSpan(sizeof(int)));
        _name = Encoding.UTF8.GetString(name);
        (_before, _lastTurn, _isErased) = (null, 0, false);
        Conversations++;
    }

    private void CheckEntry(EntryKind kind, long number)
    {
        var isOfTurn = kind is EntryKind.TurnOpened or EntryKind.TurnClosed;
        _at = (kind, null, null, null);
        var turn = isOfTurn ? _line.Small("turn"u8) : 0;
        _at.Turn = isOfTurn ? turn : null;
        var index = _line.Number("index"u8);
        _at.Index = index;
        RequireFit(kind, turn, index);
        var leaf = _line.Number("leaf"u8);
        var epoch = _line.Number("epoch"u8);
        var time = _line.TimeOf("time"u8);
        var previous = _line.Digest("previous"u8);
        if (_before is { } before && before.Index == index - 1 && before.Hash != previous)
            throw new InvalidDataException("the entry before it is not the one that it names");
        if (index == 0 && previous != default)
            throw new InvalidDataException("it is the first entry, and names one before it");
        var (count, pieces) = kind is EntryKind.TurnClosed ? (_line.Small("pieces"u8), _line.Digest("pieces_hash"u8)) : default;
        Digest skeleton;
        if (_line.TryMember("skeleton"u8))
        {
            skeleton = _line.Quoted();
        }
        else
        {
            _line.Transcribe(kind);
            skeleton = Digest.Of(_line.Skeleton);
        }
        var hash = _line.Digest("hash"u8);
        var (isErased, isKept) = (false, true);
        if (kind is EntryKind.ConversationOpened)
            isErased = _line.FlagOf("erased"u8) ?? throw new InvalidDataException("it does not say whether it is erased");
        if (kind is EntryKind.TurnClosed)
        {
            _line.FlagOf("ai_generated"u8);
            isKept = _line.FlagOf("pieces_kept"u8) ?? throw new InvalidDataException("it does not say whether its pieces are kept");
        }
        _line.Finish();

        var computed = Leaf(kind, index, turn, epoch, time, previous, skeleton, count, pieces);
        if (computed != hash)
            throw new InvalidDataException($"its hash is {hash}; what it says and its place give {computed}");
        switch (kind)
        {
            case EntryKind.ConversationOpened:
                _isErased = isErased;
                Erased += isErased ? 1 : 0;
                break;
            case EntryKind.TurnOpened:
                (_turn, _lastTurn, _pieces, _running) = (turn, turn, 0, hash);
                Turns++;
                break;
            case EntryKind.TurnClosed:
                RequirePieces(count, pieces, isKept);
                _turn = 0;
                break;
        }
        _before = (index, hash, kind);
        Leaves.Add(new(leaf, hash, _name, index, number));
    }

    private void RequireFit(EntryKind kind, int turn, long index)
    {
        if (kind is EntryKind.TurnClosed ? turn != _turn : _turn != 0)
            throw new InvalidDataException(_turn == 0 ? "the turn's beginning is missing" : $"the end of turn {_turn} is missing");
        var isPlace = kind switch
        {
            EntryKind.ConversationOpened => index == 0,
            EntryKind.TurnOpened => index == ConversationHead.IndexOfOpening(turn),
            EntryKind.TurnClosed => index == ConversationHead.IndexOfOpening(turn) + 1,
            _ => index > 0,
        };
        if (!isPlace || turn < 0)
            throw new InvalidDataException($"a {RecordForm.Names[(int)kind]} does not stand there");
        if (kind is EntryKind.TurnOpened && turn <= _lastTurn)
            throw new InvalidDataException($"it comes after turn {_lastTurn}");
        if (_before is { Kind: EntryKind.ConversationCompleted })
            throw new InvalidDataException("its conversation is completed before");
        if (_before is { } before && index <= before.Index)
            throw new InvalidDataException($"it comes after entry {before.Index}");
    }

    private void RequirePieces(int count, Digest hash, bool isKept)
    {
        if (!isKept && _pieces == 0)
            return;
        if (_pieces != count)
        {
            _at.Piece = Math.Min(_pieces, count) + 1;
            throw new InvalidDataException($"the turn has {count} pieces, and there are {_pieces}");
        }
        if (hash != _running)
            throw new InvalidDataException("the turn was closed over other pieces");
    }

    private void CheckPiece()
    {
        var turn = _line.Small("turn"u8);
        var piece = _line.Small("number"u8);
        _at = (0, null, turn, piece);
        if (turn != _turn)
            throw new InvalidDataException("it is of another turn than the one that was opened before");
        if (piece != _pieces + 1)
        {
            _at.Piece = _pieces + 1;
            throw new InvalidDataException($"the piece is missing; piece {piece} comes in its place");
        }
        var epoch = _line.Number("epoch"u8);
        var time = _line.TimeOf("time"u8);
        _line.Transcribe(0);
        var hash = _line.Digest("hash"u8);
        _line.Finish();
        var skeleton = _line.Skeleton;
        var length = 0;
        Put(ref length, [0x02]);
        Put(ref length, _running);
        Put(ref length, piece);
        Put(ref length, epoch);
        Put(ref length, time);
        Put(ref length, skeleton);
        _running = Digest.Of(_envelope.AsSpan(0, length));
        if (_running != hash)
            throw new InvalidDataException($"its hash is {hash}; what it says and the pieces before it give {_running}");
        _pieces = piece;
    }

    private Digest Leaf(EntryKind kind, long index, int turn, long epoch, long time, Digest previous, Digest skeleton, int count, Digest pieces)
    {
        var length = 0;
        Put(ref length, [0x00, Entry.CurrentFormat, (byte)kind]);
        Put(ref length, _tenant);
        Put(ref length, _conversation);
        Put(ref length, index);
        Put(ref length, turn);
        Put(ref length, epoch);
        Put(ref length, time);
        Put(ref length, previous);
        Put(ref length, skeleton);
        if (kind is EntryKind.TurnClosed)
        {
            Put(ref length, count);
            Put(ref length, pieces);
        }
        return Digest.Of(_envelope.AsSpan(0, length));
    }

    private void Put(ref int length, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(length, bytes.Length));
        length += bytes.Length;
    }

    private void Put(ref int length, Digest value)
    {
        value.CopyTo(Room(length, Digest.Length));
        length += Digest.Length;
    }

    private void Put(ref int length, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Room(length, sizeof(int)), value);
        length += sizeof(int);
    }

    private void Put(ref int length, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(Room(length, sizeof(long)), value);
        length += sizeof(long);
    }

    private Span<byte> Room(int length, int count)
    {
        if (_envelope.Length - length < count)
            Array.Resize(ref _envelope, Math.Max(2 * _envelope.Length, length + count));
        return _envelope.AsSpan(length);
    }
}
