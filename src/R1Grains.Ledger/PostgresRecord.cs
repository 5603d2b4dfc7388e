using System.Collections.Concurrent;
using Npgsql;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Postgres;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <summary>
/// The record in a PostgreSQL database, which many processes write at once. An outage of the server is waited out for five
/// seconds, so that a restart or a failover is a pause; a longer one fails calls at once until the server is back.
/// </summary>
public sealed class PostgresRecord : StoredRecord
{
    private const int ReadersMax = 8;

    private static readonly TimeSpan KeepInterval = TimeSpan.FromSeconds(1);

    private readonly Database _database;
    private readonly AcknowledgedBatches _acknowledged;
    private readonly RecordWriter[] _writers;
    private readonly Patience _patience;
    private readonly SemaphoreSlim _readers = new(ReadersMax);
    private readonly ConcurrentBag<PostgresReads> _idleReaders = [];
    private readonly PeriodicTimer _timer;
    private readonly Task _keeping;
    private readonly Sequencer? _sequencer;

    private PostgresRecord(Database database, AcknowledgedBatches acknowledged, KeyRing? keys, LogIdentity? identity, int writers, TimeProvider time) : base(keys)
    {
        _sequencer = identity is null ? null : new Sequencer(database, acknowledged, identity, time);
        (_database, _acknowledged, _patience) = (database, acknowledged, new Patience(database.Address, time));
        _writers = [.. Enumerable.Range(0, writers).Select(_ => new RecordWriter(database, acknowledged, identity, time))];
        Index = new PostgresIndex(this, database);
        _timer = new PeriodicTimer(KeepInterval, time);
        _keeping = KeepMarksAsync();
    }

    public override TranscriptIndex Index { get; }

    /// <summary>Makes the tables where missing, and raises those of an older version.</summary>
    /// <param name="connectionString">As Npgsql reads it; several hosts are tried for the primary among them.</param>
    /// <param name="marks">What shows that the database went back: kept outside of it, best where every process of the cluster reads it.</param>
    /// <param name="identity">Who signs the tenants' trees. A process without it writes the record, and leaves the trees to one that has it.</param>
    /// <param name="keys">That seal what is said, the same for all processes; null for a process that looks at nothing sealed. They are not disposed of.</param>
    /// <exception cref="RecordServerException">The server is a standby, is set so that it may lose what it acknowledged, or holds a newer version.</exception>
    /// <exception cref="RecordUnavailableException">The server could not be reached for a quarter of a minute.</exception>
    /// <exception cref="RecordRewoundException">The database does not hold what the marks say.</exception>
    /// <exception cref="RecordNotWitnessedException">Nor what the witness cosigned.</exception>
    public static Task<PostgresRecord> OpenAsync(
        string connectionString, IRecordMarks marks, LogIdentity? identity = null, KeyRing? keys = null, TimeProvider? time = null, CancellationToken cancellation = default) =>
        OpenAsync(connectionString, marks, writers: 1, identity, keys, time, cancellation);

    internal static async Task<PostgresRecord> OpenAsync(
        string connectionString, IRecordMarks marks, int writers, LogIdentity? identity = null, KeyRing? keys = null, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        var database = Database.ToWrite(connectionString);
        try
        {
            var acknowledged = new AcknowledgedBatches(marks, database.Address);
            await acknowledged.ReadMarksAsync(cancellation);
            await Patience.AtStart(database.Address, time).Try(async () =>
            {
                await Migrations.RunAsync(database, cancellation);
                await using var connection = await database.OpenAsync(cancellation);
                await RequireNoKeysAsync(connection, database.Address, cancellation);
                await acknowledged.RequireAsync(connection, cancellation);
                await Witnessed.RequireAsync(new PostgresReads(connection), identity);
                return true;
            }, cancellation);
            return new PostgresRecord(database, acknowledged, keys, identity, writers, time);
        }
        catch (NpgsqlException failure)
        {
            await database.DisposeAsync();
            throw Outage.Translate(failure, database.Address);
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes what is waiting, and keeps the last marks. No other call may be under way.</summary>
    public override async ValueTask DisposeAsync()
    {
        foreach (var writer in _writers)
            await writer.DisposeAsync();
        if (_sequencer is not null)
            await _sequencer.DisposeAsync();
        _timer.Dispose();
        await _keeping;
        await DropIdleReadersAsync();
        _readers.Dispose();
        await _database.DisposeAsync();
    }

    internal override Task<T> Write<T>(Write<T> write, CancellationToken cancellation) =>
        _writers[(uint)write.Key.GetHashCode() % _writers.Length].Write(write, cancellation);

    internal override async Task<T> Read<T>(Func<RecordReads, Task<T>> read, CancellationToken cancellation)
    {
        await _readers.WaitAsync(cancellation);
        try
        {
            return await _patience.Try(() => ReadOnceAsync(read), cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw Outage.Translate(failure, _database.Address);
        }
        finally
        {
            _readers.Release();
        }
    }

    /// <summary>A backup of the record would be one of the keys as well, and nothing could be erased from it.</summary>
    private static async Task RequireNoKeysAsync(NpgsqlConnection connection, string address, CancellationToken cancellation)
    {
        await using var exists = new NpgsqlCommand($"SELECT to_regnamespace('{PostgresKeyStore.Schema}') IS NOT NULL", connection);
        if (await exists.ExecuteScalarAsync(cancellation) is true)
            throw new RecordServerException(address, "the database holds keys. What is erased is erased by its key alone, so record and keys lie in databases of their own: name another one for either.");
    }

    private async Task<T> ReadOnceAsync<T>(Func<RecordReads, Task<T>> read)
    {
        if (!_idleReaders.TryTake(out var reads))
            reads = await OpenReadsAsync();
        try
        {
            var result = await read(reads);
            _idleReaders.Add(reads);
            return result;
        }
        catch
        {
            await reads.DisposeAsync();
            // Those that wait were connected to the same server.
            await DropIdleReadersAsync();
            throw;
        }
    }

    private async Task<PostgresReads> OpenReadsAsync()
    {
        var connection = await _database.OpenAsync();
        try
        {
            await _acknowledged.RequireAsync(connection);
            return new PostgresReads(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private async Task DropIdleReadersAsync()
    {
        while (_idleReaders.TryTake(out var reads))
            await reads.DisposeAsync();
    }

    /// <summary>Marks that cannot be kept are tried again: they are behind meanwhile, as they always are a little.</summary>
    private async Task KeepMarksAsync()
    {
        bool goesOn;
        do
        {
            goesOn = await _timer.WaitForNextTickAsync();
            try
            {
                await _acknowledged.KeepAsync();
            }
            catch (Exception)
            {
                continue;
            }
        }
        while (goesOn);
    }
}
