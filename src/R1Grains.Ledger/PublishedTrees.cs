using Microsoft.Data.Sqlite;
using Npgsql;
using R1Grains.Ledger.Postgres;
using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Storage;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger;

/// <summary>The trees of a record, read beside whoever writes it. One call at a time.</summary>
public sealed class PublishedTrees : IAsyncDisposable
{
    private readonly RecordReads _reads;
    private readonly Func<Exception, Exception> _translate;
    private readonly IAsyncDisposable? _source;

    private PublishedTrees(RecordReads reads, Func<Exception, Exception> translate, IAsyncDisposable? source = null) =>
        (_reads, _translate, _source) = (reads, translate, source);

    /// <param name="path">The record's file or its folder.</param>
    /// <exception cref="RecordFolderException">There is no record, or it is of another version.</exception>
    public static PublishedTrees OpenFile(string path)
    {
        var file = Path.GetFullPath(Directory.Exists(path) ? RecordFile.In(path) : path);
        if (!File.Exists(file))
            throw new RecordFolderException(Path.GetDirectoryName(file)!, $"there is no '{Path.GetFileName(file)}'. Name the record's file or its folder.");
        try
        {
            return new PublishedTrees(new SqliteReads(RecordFile.OpenToRead(file)), Sqlite.Outage.Translate);
        }
        catch (SqliteException failure)
        {
            throw new RecordFolderException(Path.GetDirectoryName(file)!, Sqlite.Outage.Translate(failure).Message, failure);
        }
    }

    /// <param name="connectionString">As Npgsql reads it; its user must be one of the record's verifiers.</param>
    /// <exception cref="RecordServerException">There is no record, or it is of another version.</exception>
    /// <exception cref="RecordUnavailableException"/>
    public static async Task<PublishedTrees> OpenPostgresAsync(string connectionString, CancellationToken cancellation = default)
    {
        var database = Database.ToVerify(connectionString);
        NpgsqlConnection? connection = null;
        try
        {
            connection = await Migrations.OpenToVerifyAsync(database, cancellation);
            return new PublishedTrees(new PostgresReads(connection), failure => Postgres.Outage.Translate(failure, database.Address), database);
        }
        catch (Exception failure)
        {
            if (connection is not null)
                await connection.DisposeAsync();
            await database.DisposeAsync();
            if (failure is NpgsqlException)
                throw Postgres.Outage.Translate(failure, database.Address);
            throw;
        }
    }

    /// <summary>The last checkpoint of each tenant's tree.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public Task<IReadOnlyList<(string Tenant, SignedNote Checkpoint)>> ListAsync(CancellationToken cancellation = default) =>
        Read(_reads.Checkpoints, cancellation);

    /// <summary>Keys that sign in the place of others, in the order of their versions.</summary>
    /// <exception cref="RecordUnavailableException"/>
    /// <exception cref="InvalidDataException">One cannot be followed.</exception>
    public async Task<IReadOnlyList<SigningRotation>> ListRotationsAsync(CancellationToken cancellation = default) =>
        SigningRotation.Of(await Read(() => _reads.Documents(IRegistry.Cluster, SigningRotation.Kind, IRecord.PageSizeMax, ""), cancellation));

    /// <summary>Proof that the tenant's tree of <paramref name="second"/> leaves begins with that of <paramref name="first"/>; null where the tiles do not give one.</summary>
    /// <exception cref="RecordUnavailableException"/>
    public Task<IReadOnlyList<Digest>?> ProveConsistencyAsync(string tenant, long first, long second, CancellationToken cancellation = default) =>
        Read(() => _reads.ProveConsistency(tenant, first, second), cancellation);

    public async ValueTask DisposeAsync()
    {
        await _reads.DisposeAsync();
        if (_source is not null)
            await _source.DisposeAsync();
    }

    private async Task<T> Read<T>(Func<Task<T>> read, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        try
        {
            return await read();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            throw _translate(failure);
        }
    }
}
