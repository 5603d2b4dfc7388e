using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace R1Grains.Ledger.Postgres;

/// <summary>What the database has acknowledged to anybody, as far as it is known here; a database that holds less has gone back.</summary>
internal sealed class AcknowledgedBatches(IRecordMarks marks, string address)
{
    private readonly ConcurrentDictionary<Guid, long> _batches = [];

    /// <summary>Of this process's writers: what the marks hold of them.</summary>
    private readonly ConcurrentDictionary<Guid, long> _kept = [];

    /// <summary>All writers of whom something is known.</summary>
    public Guid[] Writers => [.. _batches.Keys];

    public void Add(Guid writer, long batch)
    {
        _batches[writer] = batch;
        _kept.TryAdd(writer, 0);
    }

    public async Task ReadMarksAsync(CancellationToken cancellation = default)
    {
        foreach (var (writer, batch) in await marks.ReadAsync(cancellation))
            _batches.AddOrUpdate(writer, batch, (_, known) => Math.Max(known, batch));
    }

    /// <exception cref="RecordRewoundException">The database is behind.</exception>
    public async Task RequireAsync(NpgsqlConnection connection, CancellationToken cancellation = default)
    {
        try
        {
            await ReadMarksAsync(cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // Without the marks, what this process has seen itself still holds; the start was not without them.
        }
        // Taken before the database is asked, which can only be further by then.
        var seen = _batches.ToArray();
        if (seen.Length == 0)
            return;
        var found = new Dictionary<Guid, long>();
        await using (var command = new NpgsqlCommand("SELECT writer, batch FROM record_writer WHERE writer = ANY ($1)", connection))
        {
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid, Value = seen.Select(mark => mark.Key).ToArray() });
            await using var row = await command.ExecuteReaderAsync(cancellation);
            while (await row.ReadAsync(cancellation))
                found[row.GetGuid(0)] = row.GetInt64(1);
        }
        foreach (var (writer, batch) in seen)
        {
            if (!found.TryGetValue(writer, out var held))
                throw new RecordRewoundException(address, writer, batch, null, marks.Place);
            if (held < batch)
                throw new RecordRewoundException(address, writer, batch, held, marks.Place);
        }
    }

    /// <summary>Keeps the marks of this process's writers.</summary>
    public async Task KeepAsync(CancellationToken cancellation = default)
    {
        foreach (var (writer, kept) in _kept)
        {
            if (_batches[writer] is var batch && batch > kept)
            {
                await marks.KeepAsync(writer, batch, cancellation);
                _kept[writer] = batch;
            }
        }
    }
}
