using Microsoft.Data.Sqlite;

namespace R1Grains.Ledger.Sqlite;

/// <summary>
/// The file of the search index, beside the record's own: building it holds up no append, and who deletes it loses nothing.
/// </summary>
internal static class IndexFile
{
    public const string Name = "search.db";

    private const int Version = 1;

    /// <summary>"R1SX"</summary>
    private const int ApplicationId = 0x52315358;

    private const string Schema = """
        CREATE TABLE search_state (
            tenant TEXT PRIMARY KEY,
            scheme BLOB NOT NULL,
            leaves INTEGER NOT NULL,
            root BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE search_tail (
            tenant TEXT NOT NULL,
            leaf INTEGER NOT NULL,
            time INTEGER NOT NULL,
            terms BLOB NOT NULL,
            PRIMARY KEY (tenant, leaf)
        ) STRICT;
        CREATE TABLE search_segment (
            tenant TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            level INTEGER NOT NULL,
            turns INTEGER NOT NULL,
            earliest INTEGER NOT NULL,
            latest INTEGER NOT NULL,
            times BLOB NOT NULL,
            PRIMARY KEY (tenant, first)
        ) STRICT;
        CREATE TABLE search_block (
            tenant TEXT NOT NULL,
            level INTEGER NOT NULL,
            block INTEGER NOT NULL,
            segment INTEGER NOT NULL,
            postings BLOB NOT NULL,
            PRIMARY KEY (tenant, level, block, segment)
        ) STRICT;
        """;

    /// <summary>Makes the file where it is missing, and makes it anew where it is damaged or of another version. The caller holds the folder's lock.</summary>
    /// <exception cref="RecordFolderException"/>
    public static void Create(string folder)
    {
        try
        {
            if (File.Exists(In(folder)) && !IsUsable(folder))
                Delete(folder);
            RecordFile.MakeFile(In(folder));
            using var connection = Open(folder, SqliteOpenMode.ReadWrite);
            if (RecordFile.Number(connection, "PRAGMA user_version") == 0)
                RecordFile.Execute(connection, $"PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; {Schema} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Version}; COMMIT");
        }
        catch (Exception cause) when (cause is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new RecordFolderException(folder, $"'{Name}' cannot be written ({cause.Message}). Give the server write access and free space there, or choose another folder.", cause);
        }
    }

    public static SqliteConnection Open(string folder, SqliteOpenMode mode)
    {
        var connection = RecordFile.Connect(In(folder), mode);
        try
        {
            // What a crash loses is built again.
            RecordFile.Execute(connection, "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -8192");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static string In(string folder) => Path.Combine(folder, Name);

    /// <summary>Whether it is of this version, or still empty.</summary>
    private static bool IsUsable(string folder)
    {
        try
        {
            using var connection = Open(folder, SqliteOpenMode.ReadWrite);
            return RecordFile.Number(connection, "SELECT count(*) FROM sqlite_schema") == 0
                || RecordFile.Number(connection, "PRAGMA application_id") == ApplicationId && RecordFile.Number(connection, "PRAGMA user_version") == Version;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    private static void Delete(string folder)
    {
        foreach (var suffix in (string[])["", "-wal", "-shm"])
            File.Delete(In(folder) + suffix);
    }
}
