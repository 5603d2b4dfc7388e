using System.Text;
using Microsoft.Data.Sqlite;

namespace R1Grains.Ledger.Sqlite;

/// <summary>Goes through all conversations in the order of their creation, each as it is at one moment.</summary>
internal sealed class RecordWalk : IDisposable
{
    private const int ProgressStride = 64;

    private readonly SqliteConnection _connection;
    private readonly Statement _begin;
    private readonly Statement _end;
    private readonly ConversationWalk _conversation;

    private long _bad;
    private BadRecord? _firstBad;

    public RecordWalk(SqliteConnection connection)
    {
        _connection = connection;
        _begin = new Statement(connection, "BEGIN");
        _end = new Statement(connection, "ROLLBACK");
        _conversation = new ConversationWalk(connection);
    }

    public VerificationReport Run(IProgress<VerificationProgress>? progress, CancellationToken cancellation)
    {
        var (total, walked, more) = (0L, 0L, true);
        Judge(() => total = LastNumber());
        while (more)
        {
            cancellation.ThrowIfCancellationRequested();
            var previous = _conversation.Number;
            _begin.Execute();
            Judge(() => more = _conversation.CheckNext());
            _end.Execute();
            more &= _conversation.Number > previous;
            walked += more ? 1 : 0;
            if (walked % ProgressStride == 0 || !more)
                progress?.Report(new VerificationProgress(walked, Math.Max(total, walked)));
        }
        _conversation.Leave();
        Judge(() => RequireLast(total));
        Judge(() => RequireNoStrays("entry"));
        Judge(() => RequireNoStrays("piece"));
        return new VerificationReport(
            walked, _conversation.Turns, _conversation.OpenTurns, _conversation.Entries, _conversation.Pieces, _bad, _firstBad);
    }

    public void Dispose()
    {
        _begin.Dispose();
        _end.Dispose();
        _conversation.Dispose();
        _connection.Dispose();
    }

    /// <summary>Conversations are numbered without gaps, and SQLite keeps the last number that it gave.</summary>
    private long LastNumber() => RecordFile.Number(_connection, "SELECT seq FROM sqlite_sequence WHERE name = 'conversation_head'");

    private void RequireLast(long number)
    {
        if (_conversation.Number < number)
            throw new InvalidDataException($"conversation number {number} is missing; the last one is number {_conversation.Number}");
    }

    private void RequireNoStrays(string table)
    {
        var stray = RecordFile.Number(_connection, $"SELECT conversation_id FROM {table} WHERE conversation_id NOT IN (SELECT id FROM conversation_head) LIMIT 1");
        if (stray != 0)
            throw new InvalidDataException($"table {table} has rows of conversation number {stray}, which does not exist");
    }

    private void Judge(Action check)
    {
        try
        {
            check();
        }
        catch (Exception failure) when (Contradicts(failure))
        {
            _bad++;
            _firstBad ??= _conversation.Here(failure.Message);
        }
    }

    /// <summary>Whether the record is at fault: a check failed, or its bytes, its types or its pages are not what they must be.</summary>
    private static bool Contradicts(Exception failure) => failure
        is InvalidDataException or InvalidCastException or InvalidOperationException or DecoderFallbackException
        or SqliteException { SqliteErrorCode: 1 or 10 or 11 or 26 };
}
