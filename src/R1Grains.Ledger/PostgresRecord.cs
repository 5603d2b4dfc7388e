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

    private readonly Database _written;
    private readonly Database _read;
    private readonly Database _indexed;
    private readonly Database _walked;
    private readonly AcknowledgedBatches _acknowledged;
    private readonly RecordWriter[] _writers;
    private readonly Patience _patience;
    private readonly SemaphoreSlim _readers = new(ReadersMax);
    private readonly ReadConnections _ofOneTenant;
    private readonly ReadConnections _ofAllTenants;
    private readonly PeriodicTimer _timer;
    private readonly Task _keeping;
    private readonly Sequencer? _sequencer;

    private PostgresRecord(Database written, Database read, Database indexed, Database walked, AcknowledgedBatches acknowledged, KeyRing? keys, LogIdentity? identity, int writers, TimeProvider time) : base(keys)
    {
        Identity = identity;
        _sequencer = identity is null ? null : new Sequencer(written, acknowledged, identity, time);
        (_written, _read, _indexed, _walked, _acknowledged, _patience) = (written, read, indexed, walked, acknowledged, new Patience(written.Address, time));
        (_ofOneTenant, _ofAllTenants) = (new(read, RecordRole.Reader, acknowledged), new(written, RecordRole.Writer, acknowledged));
        _writers = [.. Enumerable.Range(0, writers).Select(_ => new RecordWriter(written, acknowledged, identity, time))];
        Index = new PostgresIndex(this, indexed);
        _timer = new PeriodicTimer(KeepInterval, time);
        _keeping = KeepMarksAsync();
    }

    public override TranscriptIndex Index { get; }

    /// <summary>Makes the tables where missing, and raises those of an older version.</summary>
    /// <param name="marks">What shows that the database went back: kept outside of it, best where every process of the cluster reads it.</param>
    /// <param name="identity">Who signs the tenants' trees. A process without it writes the record, and leaves the trees to one that has it.</param>
    /// <param name="keys">That seal what is said, the same for all processes; null for a process that looks at nothing sealed. They are not disposed of.</param>
    /// <exception cref="RecordServerException">The server is a standby, is set so that it may lose what it acknowledged, or holds a newer version.</exception>
    /// <exception cref="RecordUnavailableException">The server could not be reached for a quarter of a minute.</exception>
    /// <exception cref="RecordRewoundException">The database does not hold what the marks say.</exception>
    /// <exception cref="RecordNotWitnessedException">Nor what the witness cosigned.</exception>
    public static Task<PostgresRecord> OpenAsync(
        PostgresLogins logins, IRecordMarks marks, LogIdentity? identity = null, KeyRing? keys = null, TimeProvider? time = null, CancellationToken cancellation = default) =>
        OpenAsync(logins, marks, writers: 1, identity, keys, time, cancellation);

    internal static async Task<PostgresRecord> OpenAsync(
        PostgresLogins logins, IRecordMarks marks, int writers, LogIdentity? identity = null, KeyRing? keys = null, TimeProvider? time = null, CancellationToken cancellation = default)
    {
        time ??= TimeProvider.System;
        identity = identity is null ? null : identity with { Ring = keys };
        var (written, read, indexed) = (Database.ToWrite(logins.Writer), Database.ToWrite(logins.Reader), Database.ToWrite(logins.Indexer));
        try
        {
            var acknowledged = new AcknowledgedBatches(marks, written.Address);
            await acknowledged.ReadMarksAsync(cancellation);
            await Patience.AtStart(written.Address, time).Try(async () =>
            {
                await using (var first = await written.OpenAsync(role: null, cancellation))
                    await RequireNoKeysAsync(first, written.Address, cancellation);
                await using (var owned = Database.ToWrite(logins.Owner))
                    await Migrations.RunAsync(owned, cancellation);
                await using var connection = await written.OpenAsync(RecordRole.Writer, cancellation);
                await acknowledged.RequireAsync(connection, cancellation);
                await Witnessed.RequireAsync(new PostgresReads(connection), identity);
                await SignerInForce.RequireAsync(new PostgresReads(connection), identity);
                await using var reading = await read.OpenAsync(RecordRole.Reader, cancellation);
                await using var indexing = await indexed.OpenAsync(RecordRole.Indexer, cancellation);
                return true;
            }, cancellation);
            return new PostgresRecord(written, read, indexed, Database.ToWalk(logins.Reader), acknowledged, keys, identity, writers, time);
        }
        catch (Exception failure)
        {
            await written.DisposeAsync();
            await read.DisposeAsync();
            await indexed.DisposeAsync();
            if (failure is NpgsqlException)
                throw Outage.Translate(failure, written.Address);
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
        await _ofOneTenant.DisposeAsync();
        await _ofAllTenants.DisposeAsync();
        _readers.Dispose();
        await _written.DisposeAsync();
        await _read.DisposeAsync();
        await _indexed.DisposeAsync();
        await _walked.DisposeAsync();
    }

    public override async Task<TenantVerification?> TakeVerificationAsync(string tenant, CancellationToken cancellation = default)
    {
        try
        {
            return await _patience.Try(() => DatabaseEvidence.TakeAsync(_walked, _acknowledged, tenant, CancellationToken.None), cancellation) is { } evidence ? new(evidence, Translate) : null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw Translate(failure);
        }

        Exception Translate(Exception failure) => Outage.Translate(failure, _written.Address);
    }

    internal override Task<T> Write<T>(Write<T> write, CancellationToken cancellation) =>
        _writers[(uint)write.Key.GetHashCode() % _writers.Length].Write(write, cancellation);

    internal override async Task<T> Read<T>(string? tenant, Func<RecordReads, Task<T>> read, CancellationToken cancellation)
    {
        await _readers.WaitAsync(cancellation);
        try
        {
            return await _patience.Try(() => (tenant is null ? _ofAllTenants : _ofOneTenant).ReadAsync(tenant, read), cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw Outage.Translate(failure, _written.Address);
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
