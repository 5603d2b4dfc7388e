using System.Buffers;
using System.Data.Common;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Verification;

/// <summary>
/// Replays the chain of one conversation after another through <see cref="ConversationHead"/>, and compares every hash,
/// piece and head on the way with what is stored. The first contradiction throws <see cref="InvalidDataException"/>;
/// <see cref="Here"/> then tells where it stands.
/// </summary>
/// <param name="keys">That sign receipts. Without any, signatures are not looked at.</param>
internal sealed class ConversationWalk(IEvidence evidence, IReadOnlyList<NoteKey> keys)
{
    /// <summary>Text of the latest turn's pieces, joined.</summary>
    private readonly ArrayBufferWriter<byte> _text = new();

    /// <summary>Of the latest turn's pieces.</summary>
    private readonly List<ResumePoint> _resumed = [];

    private ConversationKey? _key;
    private long? _index;
    private int? _turn;
    private int? _piece;

    // What the head says of the request that created the conversation.
    private (string Caller, string RequestId) _creation;
    private ConversationHead _stored = null!;
    private ConversationHead _replayed = null!;

    /// <summary>Of the conversation checked last, counted in the order of creation; 0 before the first.</summary>
    public long Number { get; private set; }

    public long Turns { get; private set; }

    public long OpenTurns { get; private set; }

    public long Entries { get; private set; }

    public long Pieces { get; private set; }

    public BadRecord Here(string reason) => new(_key?.Tenant, _key?.Conversation, _index, _turn, _piece, reason);

    public void Leave()
    {
        _key = null;
        At(null, null, null);
    }

    /// <summary>Checks the first conversation whose number is greater than <see cref="Number"/>. False when there is none.</summary>
    public bool CheckNext()
    {
        Leave();
        var expected = Number + 1;
        if (!ReadHead(expected))
            return false;

        using var pieces = evidence.Pieces(Number);
        var more = pieces.Read();
        using var entries = evidence.Entries(Number);
        while (entries.Read())
        {
            At(_replayed.NextIndex, null, null);
            var entry = ReadEntry(entries);
            if (entry.Kind is EntryKind.TurnClosed)
                more = CheckPieces(pieces, more);
            At(entry.Index, entry.Turn == 0 ? null : entry.Turn, null);
            CheckEpoch(entry.Epoch);
            CheckEntry(entries, entry);
            Entries++;
        }
        At(_replayed.NextIndex, null, null);
        if (_stored.NextIndex > _replayed.NextIndex)
            throw Wrong($"the entry is missing; the head counts {_stored.NextIndex}");

        if (_replayed.OpenTurn is { } open)
        {
            OpenTurns++;
            more = CheckPieces(pieces, more);
            At(null, open, _replayed.NextPiece);
            if (_stored.NextPiece > _replayed.NextPiece)
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

    private bool ReadHead(long expected)
    {
        using var head = evidence.Head(Number);
        if (!head.Read())
            return false;
        Number = head.GetInt64(0);
        var key = new ConversationKey(head.GetString(1), head.GetString(2));
        if (Number != expected)
            throw Wrong($"conversation number {expected} is missing; number {Number} ({key}) comes in its place");
        _key = key;
        _creation = (head.GetString(3), head.GetString(4));
        _stored = HeadRow.Read(head, key, 5);
        _replayed = new ConversationHead { Key = key };
        return true;
    }

    private Entry ReadEntry(DbDataReader row)
    {
        var index = row.GetInt64(0);
        if (index != _replayed.NextIndex)
            throw Wrong($"the entry is missing; entry {index} comes in its place");
        if (row.GetInt64(1) is not (>= Entry.OldestFormat and <= Entry.CurrentFormat and var format))
            throw Wrong($"its format is {row.GetInt64(1)}, this program knows {Entry.OldestFormat} to {Entry.CurrentFormat}");
        var (kind, turn) = ((EntryKind)row.Int32(2), row.Int32(3));
        _turn = turn == 0 ? null : turn;
        if (_replayed.Misfit(kind, turn) is { } misfit)
            throw Wrong(misfit);
        if ((turn != 0) != kind is EntryKind.TurnOpened or EntryKind.TurnClosed)
            throw Wrong($"a {kind} names turn {turn}");
        if (kind is not EntryKind.TurnOpened && !(row.IsDBNull(8) && row.IsDBNull(9)))
            throw Wrong($"a {kind} has a request id or a prompt");
        if (kind is not EntryKind.TurnClosed && !(row.IsDBNull(10) && row.IsDBNull(11)))
            throw Wrong($"a {kind} commits to pieces");
        if (kind is not EntryKind.TurnClosed && !row.IsDBNull(12))
            throw Wrong($"a {kind} has a receipt");
        return new Entry(index, kind, turn, row.GetInt64(4), row.GetInt64(5), row.Bytes(7), kind is EntryKind.TurnClosed ? (row.Int32(10), row.Digest(11)) : null) { Format = (byte)format };
    }

    private void CheckEntry(DbDataReader row, Entry entry)
    {
        var (stored, leaf) = (row.Digest(6), entry.Leaf(_replayed.Key, _replayed.LastHash));
        if (stored != leaf)
            throw Wrong($"its hash is {stored}; its content, its place and the entry before it give {leaf}");
        var time = Microseconds.ToTime(entry.Time);
        switch (entry.Kind)
        {
            case EntryKind.ConversationOpened:
                var first = Payload.DecodeConversationOpened(entry.Payload, _replayed.Key, time);
                if (_creation != (first.Caller, first.RequestId))
                    throw Wrong($"the head says that request id '{_creation.RequestId}' of '{_creation.Caller}' created it, the entry says '{first.RequestId}' of '{first.Caller}'");
                _replayed.Opened(entry, Microseconds.Of(first.IdleTimeout));
                break;
            case EntryKind.TurnOpened:
                var (opened, count, hash) = Payload.DecodeTurnOpened(entry.Payload, entry.Format, _replayed.Key, entry.Turn, entry.Epoch, time);
                var prompt = row.Bytes(9);
                if (opened.RequestId != row.GetString(8))
                    throw Wrong($"the request id beside it is '{row.GetString(8)}', within it '{opened.RequestId}'");
                if (prompt.Length != 4L * count || Digest.Of(prompt) != hash)
                    throw Wrong($"the prompt kept with it is not the one of {count} tokens that it commits to");
                _replayed.TurnOpened(entry, Microseconds.Of(opened.Deadline));
                _text.ResetWrittenCount();
                _resumed.Clear();
                Turns++;
                break;
            case EntryKind.TurnClosed:
                CheckClose(entry, time);
                if (!row.IsDBNull(12))
                    CheckReceipt(new Receipt(_replayed.Key, entry.Index, leaf), entry.Time, row.GetString(12));
                _replayed.TurnClosed(entry);
                break;
            default:
                Payload.DecodeConversationCompleted(entry.Payload, _replayed.Key, entry.Epoch, time);
                _replayed.Complete(entry);
                break;
        }
    }

    private void CheckClose(Entry entry, DateTimeOffset time)
    {
        var (count, hash) = entry.Pieces!.Value;
        var held = _replayed.NextPiece - 1;
        var closed = Payload.DecodeTurnClosed(entry.Payload, entry.Format, _replayed.Key, entry.Turn, entry.Epoch, time, count);
        if (held != count)
        {
            At(null, entry.Turn, Math.Min(held, count) + 1);
            throw Wrong($"the turn was closed over {count} pieces, the journal holds {held}");
        }
        if (hash != _replayed.PiecesHash)
            throw Wrong($"the turn was closed over other pieces: it commits to {hash}, the journal gives {_replayed.PiecesHash}");
        if (!ByteWriter.StrictUtf8.GetBytes(closed.Answer).AsSpan().SequenceEqual(_text.WrittenSpan))
            throw Wrong("its answer is not its pieces' texts joined");
        if (!closed.ResumePoints.Take(_resumed.Count).SequenceEqual(_resumed))
            throw Wrong("its resume points do not begin with those of its pieces");
    }

    private void CheckReceipt(Receipt receipt, long time, string signature)
    {
        var note = Receipts.Note(receipt, time, signature);
        if (keys.Count > 0 && !keys.Any(key => key.Signed(note, note.Signatures[0].Name)))
            throw Wrong("its receipt is not signed with the key given");
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
            CheckEpoch(row.GetInt64(2));
            Microseconds.ToTime(row.GetInt64(3));
            var (tokenIds, text, points) = (row.Bytes(4), row.Bytes(5), row.Bytes(6));
            TokenIds.Decode(tokenIds);
            var resumed = ResumePoints.Decode(points);
            ByteWriter.StrictUtf8.GetCharCount(text);
            var (stored, hash) = (row.Digest(7), _replayed.Add(new JournalPiece(number, row.GetInt64(2), row.GetInt64(3), tokenIds, text, points)));
            if (stored != hash)
                throw Wrong($"its hash is {stored}; its content and the pieces before it give {hash}");
            _text.Write(text);
            _resumed.AddRange(resumed);
            Pieces++;
        }
        return false;
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
    }

    private static void RequireHead<T>(string what, T stored, T replayed)
    {
        if (!EqualityComparer<T>.Default.Equals(stored, replayed))
            throw Wrong($"the head's {what} is {stored}, the chain gives {replayed}");
    }

    private static InvalidDataException Wrong(string reason) => new(reason);

    private void At(long? index, int? turn, int? piece) => (_index, _turn, _piece) = (index, turn, piece);
}
