using System.Data.Common;
using System.Text;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// Replays the chain of one conversation after another through <see cref="ConversationHead"/>, and compares every hash,
/// piece and head on the way with what is stored. The first contradiction throws <see cref="InvalidDataException"/>;
/// <see cref="Here"/> then tells where it stands. Without data keys, what is sealed is compared with its digest alone.
/// </summary>
/// <param name="keys">That sign receipts.</param>
/// <param name="dataKeys">Null to open nothing.</param>
/// <param name="retired">What may be missing.</param>
internal sealed class ConversationWalk(IEvidence evidence, Func<SigningKeys> keys, KeyRing? dataKeys, Func<RetiredRows> retired)
{
    /// <summary>Text of the latest turn's pieces, joined, as far as it can be read.</summary>
    private readonly StringBuilder _text = new();

    /// <summary>Of the latest turn's pieces.</summary>
    private readonly List<ResumePoint> _resumed = [];

    private ConversationKey? _key;
    private long? _index;
    private int? _turn;
    private int? _piece;

    // What the head says of the request that created the conversation.
    private (string Caller, string RequestId, DataKeyId DataKey, Digest? Customer) _creation;

    // Null where nothing is to be opened, or it was destroyed.
    private DataKey? _dataKey;

    // What contradicts the head beside it.
    private string? _fault;
    private ConversationHead _stored = null!;
    private ConversationHead _replayed = null!;

    /// <summary>By index, the hashes of entries that are no longer kept.</summary>
    private readonly Dictionary<long, Digest> _gone = [];

    /// <summary>When the open turn was opened, in microseconds; null where its opening is no longer kept.</summary>
    private long? _turnOpened;

    // What is counted, as it was before the conversation checked last.
    private (long Number, long Turns, long OpenTurns, long Entries, long Pieces, long Erased, long Retired) _before;

    /// <summary>Of the conversation checked last, counted in the order of creation; 0 before the first.</summary>
    public long Number { get; private set; }

    public long Turns { get; private set; }

    public long OpenTurns { get; private set; }

    public long Entries { get; private set; }

    public long Pieces { get; private set; }

    /// <summary>Conversations whose key was destroyed; 0 where nothing was opened.</summary>
    public long Erased { get; private set; }

    /// <summary>Entries that are no longer kept, and of which the tree has the hash.</summary>
    public long Retired { get; private set; }

    public BadRecord Here(string reason) => new(_key?.Tenant, _key?.Conversation, _index, _turn, _piece, reason);

    public void Leave()
    {
        _key = null;
        At(null, null, null);
    }

    /// <summary>Checks the first conversation whose number is greater than <see cref="Number"/>. False when there is none.</summary>
    public bool CheckNext()
    {
        _before = (Number, Turns, OpenTurns, Entries, Pieces, Erased, Retired);
        try
        {
            return Check(Number + 1);
        }
        catch (KeyDestroyedException)
        {
            // Meanwhile: from the beginning, as one that was erased.
            Back();
            return Check(Number + 1);
        }
    }

    private bool Check(long expected)
    {
        Leave();
        if (!ReadHead(expected))
            return false;
        ReadGone();

        using var pieces = evidence.Pieces(Number);
        var more = pieces.Read();
        using var entries = evidence.Entries(Number);
        while (entries.Read())
        {
            Pass(entries.GetInt64(0));
            more = PassGone(pieces, more);
            At(_replayed.NextIndex, null, null);
            var entry = ReadEntry(entries);
            if (entry.Kind is EntryKind.TurnClosed)
                more = LacksPieces(entry.Time) ? PassPieces(pieces, more) : CheckPieces(pieces, more);
            At(entry.Index, entry.Turn == 0 ? null : entry.Turn, null);
            CheckEpoch(entry.Epoch);
            CheckEntry(entries, entry);
            RequireNoFault(entries, 14);
            Entries++;
        }
        Pass(_stored.NextIndex);
        more = PassGone(pieces, more);
        At(_replayed.NextIndex, null, null);
        if (_stored.NextIndex > _replayed.NextIndex)
            throw Wrong($"the entry is missing; the head counts {_stored.NextIndex}");

        if (_replayed.OpenTurn is { } open)
        {
            OpenTurns++;
            var lacks = LacksPieces(_stored.LastActivity);
            more = lacks ? PassPieces(pieces, more) : CheckPieces(pieces, more);
            At(null, open, _replayed.NextPiece);
            if (!lacks && _stored.NextPiece > _replayed.NextPiece)
                throw Wrong($"the piece is missing; the head counts {_stored.NextPiece - 1}");
        }
        if (more)
        {
            At(null, pieces.Int32(0), pieces.Int32(1));
            throw Wrong("the piece belongs to no turn");
        }
        At(null, null, null);
        CheckHead();
        return true;
    }

    /// <summary>Stands again before the conversation that was checked last.</summary>
    public void Back() => (Number, Turns, OpenTurns, Entries, Pieces, Erased, Retired) = _before;

    private bool ReadHead(long expected)
    {
        using var head = evidence.Head(Number);
        if (!head.Read())
            return false;
        Number = head.GetInt64(0);
        var key = new ConversationKey(head.GetString(1), head.GetString(2));
        if (evidence.Tenant is null && Number != expected)
            throw Wrong($"conversation number {expected} is missing; number {Number} ({key}) comes in its place");
        _key = key;
        _creation = (head.GetString(3), head.GetString(4), DataKeyId.Of(head.Bytes(5)), head.IsDBNull(6) ? null : head.Digest(6));
        _stored = HeadRow.Read(head, key, 7);
        _fault = head.IsDBNull(17) ? null : head.GetString(17);
        _replayed = new ConversationHead { Key = key };
        _dataKey = null;
        return true;
    }

    private void ReadGone()
    {
        _gone.Clear();
        _turnOpened = null;
        if (!retired().Concerns(_stored.Key.Tenant))
            return;
        using var row = evidence.Places(Number);
        while (row.Read())
        {
            if (retired().HasLeaf(_stored.Key.Tenant, row.GetInt64(1)))
                _gone[row.GetInt64(0)] = row.Digest(2);
        }
    }

    /// <summary>Passes over what is no longer kept before the entry with this index.</summary>
    private void Pass(long index)
    {
        for (; _replayed.NextIndex < index && _gone.TryGetValue(_replayed.NextIndex, out var leaf); Retired++)
        {
            if (_replayed.NextIndex == 0)
                FindKey(_creation.DataKey);
            _replayed.Pass(leaf, _stored);
            _turnOpened = null;
        }
    }

    /// <summary>Whether pieces of the turn that is open may be missing; whether those that are there are its own then cannot be told.</summary>
    /// <param name="end">Of the turn, in microseconds.</param>
    private bool LacksPieces(long end) => _turnOpened is not { } begin || retired().MayLackPieces(Math.Min(begin, end), Math.Max(begin, end));

    /// <summary>Passes over pieces that are left of turns that are no longer kept. True when the reader stands on a piece after them.</summary>
    private bool PassGone(DbDataReader row, bool more)
    {
        while (more && _gone.ContainsKey(ConversationHead.IndexOfOpening(row.Int32(0)) + 1))
            more = row.Read();
        return more;
    }

    /// <summary>Passes over the pieces of the open turn. True when the reader stands on a piece after them.</summary>
    private bool PassPieces(DbDataReader row, bool more)
    {
        while (more && row.Int32(0) <= _replayed.OpenTurn)
            more = row.Read();
        return more;
    }

    private Entry ReadEntry(DbDataReader row)
    {
        var index = row.GetInt64(0);
        if (index != _replayed.NextIndex)
            throw Wrong($"the entry is missing; entry {index} comes in its place");
        if (row.GetInt64(1) is var format and not Entry.CurrentFormat)
            throw Wrong($"its format is {format}, this program knows {Entry.CurrentFormat}");
        var (kind, turn) = ((EntryKind)row.Int32(2), row.Int32(3));
        _turn = turn == 0 ? null : turn;
        if (_replayed.Misfit(kind, turn) is { } misfit)
            throw Wrong(misfit);
        if ((turn != 0) != kind is EntryKind.TurnOpened or EntryKind.TurnClosed)
            throw Wrong($"a {kind} names turn {turn}");
        if (row.IsDBNull(8) != kind is EntryKind.ConversationCompleted)
            throw Wrong($"a {kind} has {(row.IsDBNull(8) ? "no" : "")} sealed fields");
        if (kind is not EntryKind.TurnOpened && !(row.IsDBNull(9) && row.IsDBNull(10)))
            throw Wrong($"a {kind} has a request id or a prompt");
        if (kind is not EntryKind.TurnClosed && !(row.IsDBNull(11) && row.IsDBNull(12)))
            throw Wrong($"a {kind} commits to pieces");
        if (kind is not EntryKind.TurnClosed && !row.IsDBNull(13))
            throw Wrong($"a {kind} has a receipt");
        var payload = new SealedPayload(row.Bytes(7), row.IsDBNull(8) ? null : row.Bytes(8), kind is EntryKind.TurnOpened ? row.Bytes(10) : null);
        return new Entry(index, kind, turn, row.GetInt64(4), row.GetInt64(5), payload, kind is EntryKind.TurnClosed ? (row.Int32(11), row.Digest(12)) : null);
    }

    private void CheckEntry(DbDataReader row, Entry entry)
    {
        var (stored, leaf) = (row.Digest(6), _replayed.Leaf(entry));
        if (stored != leaf)
            throw Wrong($"its hash is {stored}; its content, its place and the entry before it give {leaf}");
        var time = Microseconds.ToTime(entry.Time);
        switch (entry.Kind)
        {
            case EntryKind.ConversationOpened:
                var (first, subject, dataKey, firstSealed) = Payload.DecodeConversationOpened(entry.Payload.Skeleton, FieldReader.Withheld, _replayed.Key, time);
                RequireSealed(entry.Payload.Sealed!, firstSealed);
                if ((_creation.Caller, _creation.RequestId) != (first.Caller, first.RequestId))
                    throw Wrong($"the head says that request id '{_creation.RequestId}' of '{_creation.Caller}' created it, the entry says '{first.RequestId}' of '{first.Caller}'");
                if (_creation.DataKey != dataKey || _creation.Customer != (subject.Kind is SubjectKind.Customer ? subject.Hash : null))
                    throw Wrong("the head names another data key or customer than the entry");
                FindKey(dataKey);
                Payload.DecodeConversationOpened(entry.Payload.Skeleton, Fields(entry), _replayed.Key, time);
                _replayed.Opened(entry, Microseconds.Of(first.IdleTimeout), leaf);
                break;
            case EntryKind.TurnOpened:
                var (opened, count, promptHash, promptDigest, openedSealed) = Payload.DecodeTurnOpened(entry.Payload.Skeleton, Fields(entry), _replayed.Key, entry.Turn, entry.Epoch, time);
                RequireSealed(entry.Payload.Sealed!, openedSealed);
                if (opened.RequestId != row.GetString(9))
                    throw Wrong($"the request id beside it is '{row.GetString(9)}', within it '{opened.RequestId}'");
                if (Digest.Of(entry.Payload.Prompt) != promptDigest)
                    throw Wrong("the prompt kept with it is not the one that it commits to");
                if (_dataKey?.Open(entry.Payload.Prompt, SealedPlace.OfPrompt(_replayed.Key, entry.Turn, _dataKey.Id)) is { } prompt && (prompt.Length != 4L * count || Digest.Of(prompt) != promptHash))
                    throw Wrong($"the prompt kept with it is not the one of {count} tokens that it commits to");
                _replayed.TurnOpened(entry, Microseconds.Of(opened.Deadline), leaf);
                _turnOpened = entry.Time;
                _text.Clear();
                _resumed.Clear();
                Turns++;
                break;
            case EntryKind.TurnClosed:
                CheckClose(entry, time);
                if (!row.IsDBNull(13))
                    CheckReceipt(new Receipt(_replayed.Key, entry.Index, leaf), entry.Time, row.GetString(13));
                _replayed.TurnClosed(entry, leaf);
                break;
            default:
                Payload.DecodeConversationCompleted(entry.Payload.Skeleton, _replayed.Key, entry.Epoch, time);
                _replayed.Complete(entry, leaf);
                break;
        }
    }

    private void FindKey(DataKeyId id)
    {
        if (dataKeys is null)
            return;
        _dataKey = dataKeys.FindAsync(_replayed.Key.Tenant, id).AsTask().GetAwaiter().GetResult();
        Erased += _dataKey is null ? 1 : 0;
    }

    private void CheckClose(Entry entry, DateTimeOffset time)
    {
        var (count, hash) = entry.Pieces!.Value;
        var held = _replayed.NextPiece - 1;
        var (closed, closedSealed) = Payload.DecodeTurnClosed(entry.Payload.Skeleton, Fields(entry), _replayed.Key, entry.Turn, entry.Epoch, time, count);
        RequireSealed(entry.Payload.Sealed!, closedSealed);
        if (LacksPieces(entry.Time))
        {
            (_replayed.NextPiece, _replayed.PiecesHash) = (count + 1, hash);
            return;
        }
        if (held != count)
        {
            At(null, entry.Turn, Math.Min(held, count) + 1);
            throw Wrong($"the turn was closed over {count} pieces, the journal holds {held}");
        }
        if (hash != _replayed.PiecesHash)
            throw Wrong($"the turn was closed over other pieces: it commits to {hash}, the journal gives {_replayed.PiecesHash}");
        if (!_text.Equals(closed.Answer))
            throw Wrong("its answer is not its pieces' texts joined");
        if (!closed.ResumePoints.Take(_resumed.Count).SequenceEqual(_resumed))
            throw Wrong("its resume points do not begin with those of its pieces");
    }

    private void CheckReceipt(Receipt receipt, long time, string signature)
    {
        var note = Receipts.Note(receipt, time, signature);
        if (keys().Objection(note, note.Signatures[0].Name, Microseconds.ToTime(time)) is { } objection)
            throw Wrong($"its receipt {objection}");
    }

    /// <summary>Checks the pieces of the open turn. True when the reader stands on a piece after them.</summary>
    private bool CheckPieces(DbDataReader row, bool more)
    {
        for (; more; more = row.Read())
        {
            var (turn, number) = (row.Int32(0), row.Int32(1));
            if (turn > _replayed.OpenTurn)
                return true;
            At(null, turn, number);
            if (turn != _replayed.OpenTurn)
                throw Wrong("the piece belongs to no turn");
            _piece = _replayed.NextPiece;
            if (number != _replayed.NextPiece)
                throw Wrong($"the piece is missing; piece {number} comes in its place");
            var journalled = new JournalPiece(number, row.GetInt64(2), row.GetInt64(3), row.Bytes(4), row.Bytes(5));
            CheckEpoch(journalled.Epoch);
            Microseconds.ToTime(journalled.Time);
            var (stored, hash) = (row.Digest(6), _replayed.Add(journalled));
            if (stored != hash)
                throw Wrong($"its hash is {stored}; its content and the pieces before it give {hash}");
            RequireNoFault(row, 7);
            var fields = _dataKey is null ? FieldReader.Withheld : FieldReader.Of(journalled.Open(_dataKey, _replayed.Key, turn), checks: true);
            var (piece, digest) = journalled.Decode(fields, _replayed.Key, turn);
            RequireSealed(journalled.Sealed, digest);
            _text.Append(piece.Text);
            _resumed.AddRange(piece.ResumePoints);
            Pieces++;
        }
        return false;
    }

    /// <summary>Of an entry, opened as far as they can be.</summary>
    private FieldReader Fields(Entry entry) => _dataKey is null
        ? FieldReader.Withheld
        : FieldReader.Of(ConfidentialField.Open(_dataKey, entry.Payload.Sealed!, SealedPlace.Of(_replayed.Key, entry.Kind, entry.Turn, _dataKey.Id)), checks: true);

    private static void RequireSealed(byte[] bytes, Digest digest)
    {
        if (Digest.Of(bytes) != digest)
            throw Wrong("what is sealed in it is not what it commits to");
    }

    private void CheckEpoch(long epoch)
    {
        if (epoch < _replayed.Epoch)
            throw Wrong($"its epoch is {epoch}, after {_replayed.Epoch}");
        if (epoch > _stored.Epoch)
            throw Wrong($"its epoch is {epoch}, the head has handed out {_stored.Epoch} at most");
        _replayed.Epoch = epoch;
    }

    /// <remarks>The head's epoch may be ahead of the chain: a take-over writes nothing else.</remarks>
    private void CheckHead()
    {
        RequireHead("next index", _stored.NextIndex, _replayed.NextIndex);
        RequireHead("next turn", _stored.NextTurn, _replayed.NextTurn);
        RequireHead("next piece", _stored.NextPiece, _replayed.NextPiece);
        RequireHead("last hash", _stored.LastHash, _replayed.LastHash);
        RequireHead("pieces hash", _stored.PiecesHash, _replayed.PiecesHash);
        RequireHead("deadline", _stored.Deadline, _replayed.Deadline);
        RequireHead("idle timeout", _stored.IdleTimeout, _replayed.IdleTimeout);
        RequireHead("last activity", _stored.LastActivity, _replayed.LastActivity);
        RequireHead("completed", _stored.Completed, _replayed.Completed);
        if (_fault is not null)
            throw Wrong(_fault);
    }

    private static void RequireNoFault(DbDataReader row, int column)
    {
        if (!row.IsDBNull(column))
            throw Wrong(row.GetString(column));
    }

    private static void RequireHead<T>(string what, T stored, T replayed)
    {
        if (!EqualityComparer<T>.Default.Equals(stored, replayed))
            throw Wrong($"the head's {what} is {stored}, the chain gives {replayed}");
    }

    private static InvalidDataException Wrong(string reason) => new(reason);

    private void At(long? index, int? turn, int? piece) => (_index, _turn, _piece) = (index, turn, piece);
}
