using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger;

/// <summary>The record in one SQLite file, which one process writes.</summary>
public sealed class SqliteRecord : StoredRecord
{
    /// <summary>The name of the file within the record's folder.</summary>
    public const string FileName = "record.db";

    private const int ReadersMax = 8;

    private readonly string _folder;
    private readonly FolderLock _lock;
    private readonly RecordWriter _writer;
    private readonly SemaphoreSlim _readers = new(ReadersMax);
    private readonly ConcurrentBag<SqliteReads> _idleReaders = [];

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

    /// <summary>Writes what is waiting, then lets the folder go. No other call may be under way.</summary>
    public override async ValueTask DisposeAsync()
    {
        foreach (var reader in _idleReaders)
            await reader.DisposeAsync();
        await _writer.DisposeAsync();
        _readers.Dispose();
        _lock.Dispose();
    }

    internal override Task<T> Write<T>(Write<T> write, CancellationToken cancellation) => _writer.Write(write, cancellation);

    /// <remarks>SQLite's asynchronous calls block, so that a read takes a thread for its time.</remarks>
    internal override async Task<T> Read<T>(Func<RecordReads, Task<T>> read, CancellationToken cancellation)
    {
        await _readers.WaitAsync(cancellation);
        try
        {
            return await Task.Run(async () =>
            {
                SqliteReads? reads = null;
                try
                {
                    if (!_idleReaders.TryTake(out reads))
                        reads = new SqliteReads(RecordFile.OpenToRead(RecordFile.In(_folder)));
                    var result = await read(reads);
                    _idleReaders.Add(reads);
                    return result;
                }
                catch (Exception failure)
                {
                    if (reads is not null)
                        await reads.DisposeAsync();
                    throw Outage.Translate(failure);
                }
            }, cancellation);
        }
        finally
        {
            _readers.Release();
        }
    }
}
