using System.Text;
using Microsoft.Data.Sqlite;

namespace R1Grains.Ledger.Sqlite;

/// <summary>What a storage failure is called outside, and what to do about it.</summary>
internal static class Outage
{
    private const int Constraint = 19;

    /// <summary>Whether every write would fail now, and not only the one that did.</summary>
    public static bool Is(Exception failure) => failure is RecordFolderException or SqliteException { SqliteErrorCode: not Constraint };

    public static Exception Translate(Exception failure) => failure switch
    {
        RecordUnavailableException => failure,
        SqliteException sqlite => new RecordUnavailableException($"The record cannot be used: {sqlite.Message} {Advice(sqlite.SqliteErrorCode)}", sqlite),
        RecordFolderException folder => new RecordUnavailableException($"The record cannot be used: {folder.Message}", folder),
        InvalidDataException or InvalidCastException or InvalidOperationException or DecoderFallbackException => new RecordDamagedException(failure.Message, failure),
        _ => failure,
    };

    private static string Advice(int code) => code switch
    {
        5 or 6 => "Another program holds a lock on the file: end it, then retry.",
        8 => "The file or its volume is read-only: make it writable, then retry.",
        10 => "Reading or writing the disk failed: check the volume, then retry.",
        11 or 26 => "The file is damaged: verify it, and restore it from a copy.",
        13 => "The disk is full: free space, then retry.",
        14 => "The file is gone or cannot be opened: bring it back, then retry.",
        Constraint => "Its rows contradict its heads: verify it, and restore it from a copy.",
        _ => "Nothing was written; retry, and verify the record if it happens again.",
    };
}
