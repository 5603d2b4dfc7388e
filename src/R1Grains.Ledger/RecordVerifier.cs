using Microsoft.Data.Sqlite;
using Npgsql;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Postgres;
using R1Grains.Ledger.Sqlite;
using R1Grains.Ledger.Tree;
using R1Grains.Ledger.Verification;

namespace R1Grains.Ledger;

/// <summary>Recomputes a record from its rows, read-only; a server may be writing it meanwhile.</summary>
public static class RecordVerifier
{
    /// <param name="path">The record's file or its folder.</param>
    /// <param name="keys">That sign checkpoints; without any, their signatures are not looked at.</param>
    /// <param name="dataKeys">That open what is sealed, so that it is compared field by field; without them, it is compared with its digests.</param>
    /// <exception cref="RecordFolderException">There is no record, it cannot be opened, or its version is newer.</exception>
    /// <exception cref="RecordUnavailableException">Reading stopped for a reason that says nothing about the record.</exception>
    public static Task<VerificationReport> VerifyAsync(
        string path, IReadOnlyList<NoteKey>? keys = null, KeyRing? dataKeys = null, IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default) => Task.Run(() =>
    {
        var file = Path.GetFullPath(Directory.Exists(path) ? RecordFile.In(path) : path);
        var folder = Path.GetDirectoryName(file)!;
        if (!File.Exists(file))
            throw new RecordFolderException(folder, $"there is no '{Path.GetFileName(file)}'. Name the record's file or its folder.");
        FileEvidence evidence;
        try
        {
            evidence = new FileEvidence(RecordFile.OpenEvidence(file));
        }
        catch (SqliteException failure)
        {
            throw new RecordFolderException(folder, Sqlite.Outage.Translate(failure).Message, failure);
        }
        using (evidence)
        {
            try
            {
                return new RecordWalk(evidence, keys ?? [], dataKeys).Run(progress, cancellation);
            }
            catch (SqliteException failure)
            {
                throw Sqlite.Outage.Translate(failure);
            }
        }
    }, cancellation);

    /// <param name="connectionString">As Npgsql reads it. A standby will do; its user must be one of the record's verifiers.</param>
    /// <param name="keys">That sign checkpoints; without any, their signatures are not looked at.</param>
    /// <param name="dataKeys">That open what is sealed, so that it is compared field by field; without them, it is compared with its digests.</param>
    /// <exception cref="RecordServerException">There is no record, or its version is newer.</exception>
    /// <exception cref="RecordUnavailableException">The server cannot be reached, or reading stopped for a reason that says nothing about the record.</exception>
    public static async Task<VerificationReport> VerifyPostgresAsync(
        string connectionString, IReadOnlyList<NoteKey>? keys = null, KeyRing? dataKeys = null, IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default)
    {
        await using var database = Database.ToVerify(connectionString);
        try
        {
            using var evidence = await DatabaseEvidence.OpenAsync(database, cancellation);
            return await Task.Run(() => new RecordWalk(evidence, keys ?? [], dataKeys).Run(progress, cancellation), cancellation);
        }
        catch (Exception failure) when (failure is NpgsqlException)
        {
            throw Postgres.Outage.Translate(failure, database.Address);
        }
    }
}
