using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Storage;

namespace R1Grains.Ledger;

/// <summary>In a file beside the record's.</summary>
internal sealed class SqliteIndex : TranscriptIndex, IAsyncDisposable
{
    private readonly string _folder;
    private readonly Readers _readers;

    /// <param name="folder">Of the record; its file is there.</param>
    public SqliteIndex(StoredRecord record, string folder) : base(record) =>
        (_folder, _readers) = (folder, new Readers(() => IndexFile.Open(folder, SqliteOpenMode.ReadOnly), Translate));

    public ValueTask DisposeAsync() => _readers.DisposeAsync();

    internal override Task<T> Read<T>(string tenant, Func<RecordReads, Task<T>> read, CancellationToken cancellation) => _readers.Read(read, cancellation);

    private protected override Exception Translate(Exception failure) => failure is SqliteException or InvalidDataException or InvalidCastException or InvalidOperationException
        ? new RecordUnavailableException($"The search index cannot be used: {failure.Message.TrimEnd('.')}. Stop the server, delete '{Path.Combine(_folder, IndexFile.Name)}', and start it again: the index is built anew.", failure)
        : failure;

    private protected override Task<Search.IndexConnection> OpenAsync(CancellationToken cancellation) =>
        Task.Run<Search.IndexConnection>(() => new IndexConnection(IndexFile.Open(_folder, SqliteOpenMode.ReadWrite)), cancellation);
}
