using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Sqlite;

namespace R1Grains.Ledger;

/// <summary>Recomputes a record from its rows, read-only; a server may be writing it meanwhile.</summary>
public static class RecordVerifier
{
    /// <param name="path">The record's file or its folder.</param>
    /// <exception cref="RecordFolderException">There is no record, it cannot be opened, or its version is newer.</exception>
    /// <exception cref="RecordUnavailableException">Reading stopped for a reason that says nothing about the record.</exception>
    public static Task<VerificationReport> VerifyAsync(string path, IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default) => Task.Run(() =>
    {
        var file = Path.GetFullPath(Directory.Exists(path) ? RecordFile.In(path) : path);
        var folder = Path.GetDirectoryName(file)!;
        if (!File.Exists(file))
            throw new RecordFolderException(folder, $"there is no '{Path.GetFileName(file)}'. Name the record's file or its folder.");
        RecordWalk walk;
        try
        {
            walk = new RecordWalk(RecordFile.OpenEvidence(file));
        }
        catch (SqliteException failure)
        {
            throw new RecordFolderException(folder, Outage.Translate(failure).Message, failure);
        }
        using (walk)
        {
            try
            {
                return walk.Run(progress, cancellation);
            }
            catch (SqliteException failure)
            {
                throw Outage.Translate(failure);
            }
        }
    }, cancellation);
}
