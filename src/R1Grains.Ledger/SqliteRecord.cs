using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <summary>The record in one SQLite file, which one process writes.</summary>
public sealed class SqliteRecord : StoredRecord
{
    /// <summary>The name of the file within the record's folder.</summary>
    public const string FileName = "record.db";

    /// <summary>Of the private key within the record's folder; the public one lies beside it, as <c>.pub</c>.</summary>
    public const string KeyFileName = "record.key";

    private const string StandardName = "r1grains";

    private readonly FolderLock _lock;
    private readonly NoteSigner? _ownSigner;
    private readonly KeyRing? _ownKeys;
    private readonly RecordWriter _writer;
    private readonly Readers _readers;
    private readonly SqliteIndex _index;
    private readonly string _file;

    /// <summary>Tenants.</summary>
    private readonly ConcurrentDictionary<string, bool> _verified = [];

    private SqliteRecord(string folder, FolderLock folderLock, NoteSigner? ownSigner, KeyRing keys, KeyRing? ownKeys, Func<WriteSession> open) : base(keys)
    {
        (_lock, _ownSigner, _ownKeys, _writer) = (folderLock, ownSigner, ownKeys, new RecordWriter(open));
        _file = RecordFile.In(folder);
        _readers = new Readers(() => RecordFile.OpenToRead(_file), Outage.Translate);
        _index = new SqliteIndex(this, folder);
    }

    public override TranscriptIndex Index => _index;

    /// <summary>Creates the folder and the file where missing.</summary>
    /// <param name="identity">Who signs the trees; null for the key in the folder, which is made where it is missing. It is not disposed of.</param>
    /// <param name="keys">That seal what is said; null for those in the folder, which are made where they are missing. They are not disposed of.</param>
    /// <exception cref="RecordFolderException">Not writable, written by another version, signed under another name, or held by another process.</exception>
    /// <exception cref="RecordKeyException"/>
    /// <exception cref="KeyStoreException"/>
    /// <exception cref="RecordNotWitnessedException">It does not hold what the witness cosigned.</exception>
    public static Task<SqliteRecord> OpenAsync(string folder, LogIdentity? identity = null, KeyRing? keys = null, CancellationToken cancellation = default) =>
        OpenAsync(folder, pageCountMax: null, identity, keys, cancellation);

    /// <param name="pageCountMax">Bounds the file, in pages of 4 KiB, as a full disk would.</param>
    internal static Task<SqliteRecord> OpenAsync(string folder, long? pageCountMax, LogIdentity? identity = null, KeyRing? keys = null, CancellationToken cancellation = default) => Task.Run(async () =>
    {
        folder = Path.GetFullPath(folder);
        var folderLock = FolderLock.Take(folder);
        NoteSigner? own = null;
        KeyRing? ownKeys = null;
        try
        {
            var time = TimeProvider.System;
            identity ??= new LogIdentity(StandardName, own = NoteSigner.ReadOrMake(Path.Combine(folder, KeyFileName)));
            RecordFile.Create(folder);
            IndexFile.Create(folder);
            await using (var connection = RecordFile.OpenToRead(RecordFile.In(folder)))
                await Witnessed.RequireAsync(new SqliteReads(connection), identity);
            keys ??= ownKeys = await KeyRing.OpenBesideAsync(folder, cancellation);
            identity = identity with { Ring = keys };
            await using (var connection = RecordFile.OpenToRead(RecordFile.In(folder)))
                await SignerInForce.RequireAsync(new SqliteReads(connection), identity);
            return new SqliteRecord(folder, folderLock, own, keys, ownKeys, () => WriteSession.Open(RecordFile.OpenToWrite(folder, pageCountMax), identity, time)) { Identity = identity };
        }
        catch (Exception failure)
        {
            if (ownKeys is not null)
                await ownKeys.DisposeAsync();
            own?.Dispose();
            folderLock.Dispose();
            if (failure is SqliteException or InvalidDataException)
                throw new RecordFolderException(folder, failure is SqliteException ? Outage.Translate(failure).Message : failure.Message, failure);
            throw;
        }
    }, cancellation);

    public override Task<TenantVerification?> TakeVerificationAsync(string tenant, CancellationToken cancellation = default)
    {
        if (!_verified.TryAdd(tenant, true))
            return Task.FromResult<TenantVerification?>(null);
        try
        {
            return Task.FromResult<TenantVerification?>(new(new FileEvidence(RecordFile.OpenToRead(_file), tenant), Outage.Translate, () => _verified.TryRemove(tenant, out _)));
        }
        catch (Exception failure)
        {
            _verified.TryRemove(tenant, out _);
            throw Outage.Translate(failure);
        }
    }

    /// <summary>Writes what is waiting, then lets the folder go. No other call may be under way.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _index.DisposeAsync();
        await _readers.DisposeAsync();
        await _writer.DisposeAsync();
        _ownSigner?.Dispose();
        if (_ownKeys is not null)
            await _ownKeys.DisposeAsync();
        _lock.Dispose();
    }

    internal override Task<T> Write<T>(Write<T> write, CancellationToken cancellation) => _writer.Write(write, cancellation);

    /// <remarks>Nobody but this process sees the file, whose queries name their tenant.</remarks>
    internal override Task<T> Read<T>(string? tenant, Func<RecordReads, Task<T>> read, CancellationToken cancellation) => _readers.Read(read, cancellation);
}
