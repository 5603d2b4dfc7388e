using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Format;
using R1Grains.Ledger.Sqlite;

namespace R1Grains.Ledger;

/// <summary>The record in one SQLite file, which one process writes.</summary>
public sealed class SqliteRecord : IRecord
{
    /// <summary>The name of the file within the record's folder.</summary>
    public const string FileName = "record.db";

    private const int ReadersMax = 8;

    private readonly string _folder;
    private readonly FolderLock _lock;
    private readonly RecordWriter _writer;
    private readonly SemaphoreSlim _readers = new(ReadersMax);
    private readonly ConcurrentBag<RecordReads> _idleReaders = [];

    private SqliteRecord(string folder, FolderLock folderLock, RecordWriter writer) => (_folder, _lock, _writer) = (folder, folderLock, writer);

    /// <summary>Creates the folder and the file where missing.</summary>
    /// <exception cref="RecordFolderException">Not writable, written by a newer version, or held by another process.</exception>
    public static Task<SqliteRecord> OpenAsync(string folder, CancellationToken cancellation = default) => OpenAsync(folder, pageCountMax: null, cancellation);

    /// <param name="pageCountMax">Bounds the file, in pages of 4 KiB, as a full disk would.</param>
    internal static Task<SqliteRecord> OpenAsync(string folder, long? pageCountMax, CancellationToken cancellation = default) => Task.Run(() =>
    {
        folder = Path.GetFullPath(folder);
        var folderLock = FolderLock.Take(folder);
        try
        {
            RecordFile.Create(folder);
            return new SqliteRecord(folder, folderLock, new RecordWriter(() => new WriteSession(RecordFile.OpenToWrite(folder, pageCountMax))));
        }
        catch (SqliteException failure)
        {
            folderLock.Dispose();
            throw new RecordFolderException(folder, Outage.Translate(failure).Message, failure);
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }, cancellation);

    public async Task<Creation> CreateConversationAsync(ConversationOpened opened, CancellationToken cancellation = default)
    {
        RequireName(opened.Key.Tenant, "tenant");
        RequireName(opened.Key.Conversation, "conversation");
        RequireName(opened.Caller, "caller");
        RequireName(opened.RequestId, "request id");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(opened.IdleTimeout, TimeSpan.Zero);
        var payload = Payload.Encode(opened);
        var (outcome, key) = await _writer.Write(session => session.Create(opened, payload), cancellation);
        return new Creation(outcome, (await FindConversationAsync(key, cancellation))!);
    }

    public Task<Conversation?> FindConversationAsync(ConversationKey key, CancellationToken cancellation = default) =>
        Read(reads => reads.Conversation(key), cancellation);

    public Task<Page<Conversation>> ListConversationsAsync(string tenant, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        RequireSize(pageSize);
        return Read(reads => reads.Conversations(tenant, pageSize, after ?? 0), cancellation);
    }

    public async Task<TakenOver?> TakeOverAsync(ConversationKey key, int recentTurns = IRecord.PageSizeMax, CancellationToken cancellation = default)
    {
        RequireSize(recentTurns);
        return await _writer.Write(session => session.TakeOver(key), cancellation) is { } epoch
            ? await Read(reads => reads.TakenOver(key, epoch, recentTurns), cancellation)
            : null;
    }

    public Task<Receipt> AppendAsync(TurnOpened opened, ReadOnlyMemory<int> prompt, CancellationToken cancellation = default)
    {
        RequireName(opened.RequestId, "request id");
        var promptIds = TokenIds.Encode(prompt.Span);
        var payload = Payload.Encode(opened, promptIds);
        return _writer.Write(session => session.Append(opened, payload, promptIds), cancellation);
    }

    public Task AppendAsync(Piece piece, CancellationToken cancellation = default)
    {
        var journal = JournalPiece.Of(piece);
        return _writer.Write(session =>
        {
            session.Append(piece.Key, piece.Turn, journal);
            return piece.Number;
        }, cancellation);
    }

    public Task<Receipt> AppendAsync(TurnClosed closed, CancellationToken cancellation = default)
    {
        var payload = Payload.Encode(closed);
        return _writer.Write(session => session.Append(closed, payload), cancellation);
    }

    public Task<Receipt> AppendAsync(ConversationCompleted completed, CancellationToken cancellation = default)
    {
        var payload = Payload.Encode(completed);
        return _writer.Write(session => session.Append(completed, payload), cancellation);
    }

    public Task<TurnRecord?> FindTurnAsync(ConversationKey key, int turn, CancellationToken cancellation = default) =>
        Read(reads => reads.Turns(key, turn, turn).SingleOrDefault(), cancellation);

    public Task<TurnRecord?> FindTurnByRequestAsync(ConversationKey key, string requestId, CancellationToken cancellation = default) =>
        Read(reads => reads.TurnOfRequest(key, requestId) is { } turn ? reads.Turns(key, turn, turn).Single() : null, cancellation);

    public Task<Page<TurnRecord>> ListTurnsAsync(ConversationKey key, int pageSize, long? after = null, CancellationToken cancellation = default)
    {
        RequireSize(pageSize);
        var first = 1 + (int)Math.Clamp(after ?? 0, 0, int.MaxValue - IRecord.PageSizeMax - 1);
        return Read(reads =>
        {
            var turns = reads.Turns(key, first, first + pageSize);
            var page = turns.Take(pageSize).ToList();
            return new Page<TurnRecord>(page, turns.Count > pageSize ? page[^1].Opened.Turn : null);
        }, cancellation);
    }

    public Task<int[]?> ReadPromptAsync(ConversationKey key, int turn, CancellationToken cancellation = default) =>
        Read(reads => reads.Prompt(key, turn), cancellation);

    public Task<IReadOnlyList<OpenTurn>> FindOpenTurnsAsync(int limit = IRecord.PageSizeMax, CancellationToken cancellation = default)
    {
        RequireSize(limit);
        return Read(reads => reads.OpenTurns(limit), cancellation);
    }

    public Task<IReadOnlyList<ConversationKey>> FindIdleConversationsAsync(DateTimeOffset now, int limit = IRecord.PageSizeMax, CancellationToken cancellation = default)
    {
        RequireSize(limit);
        return Read(reads => reads.IdleConversations(Microseconds.Of(now), limit), cancellation);
    }

    /// <summary>Writes what is waiting, then lets the folder go. No other call may be under way.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var reader in _idleReaders)
            reader.Dispose();
        await _writer.DisposeAsync();
        _readers.Dispose();
        _lock.Dispose();
    }

    private async Task<T> Read<T>(Func<RecordReads, T> read, CancellationToken cancellation)
    {
        await _readers.WaitAsync(cancellation);
        try
        {
            return await Task.Run(() =>
            {
                RecordReads? reads = null;
                try
                {
                    if (!_idleReaders.TryTake(out reads))
                        reads = new RecordReads(RecordFile.OpenToRead(RecordFile.In(_folder)));
                    var result = read(reads);
                    _idleReaders.Add(reads);
                    return result;
                }
                catch (Exception failure)
                {
                    reads?.Dispose();
                    throw Outage.Translate(failure);
                }
            }, cancellation);
        }
        finally
        {
            _readers.Release();
        }
    }

    /// <summary>SQLite ends a text at a NUL, so that two names could become one.</summary>
    private static void RequireName(string name, string what)
    {
        if (name.Length is 0 or > IRecord.NameLengthMax || name.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"A {what} has 1 to {IRecord.NameLengthMax} characters and no NUL; this has {name.Length}.");
    }

    private static void RequireSize(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, IRecord.PageSizeMax);
    }
}
