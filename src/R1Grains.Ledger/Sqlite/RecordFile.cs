using Microsoft.Data.Sqlite;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Sqlite;

/// <summary>The file that holds the record: its schema, its version, and how it is opened.</summary>
internal static class RecordFile
{
    /// <summary>Versions 1 to 6 were those of programs before the first release; their files are refused.</summary>
    public const int SchemaVersion = 7;

    /// <summary>"R1GR": tells a record from any other SQLite file.</summary>
    private const int ApplicationId = 0x52314752;

    private const int CannotOpen = 14;
    private const int NotADatabase = 26;

    private const string Schema = """
        CREATE TABLE conversation_head (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            tenant TEXT NOT NULL,
            name TEXT NOT NULL,
            caller TEXT NOT NULL,
            request_id TEXT NOT NULL,
            data_key BLOB NOT NULL,
            customer BLOB,
            epoch INTEGER NOT NULL,
            next_index INTEGER NOT NULL,
            next_turn INTEGER NOT NULL,
            next_piece INTEGER NOT NULL,
            last_hash BLOB NOT NULL,
            pieces_hash BLOB NOT NULL,
            deadline INTEGER,
            idle_timeout INTEGER NOT NULL,
            last_activity INTEGER NOT NULL,
            completed INTEGER NOT NULL,
            UNIQUE (tenant, name),
            UNIQUE (tenant, caller, request_id)
        ) STRICT;
        CREATE INDEX conversation_head_by_tenant ON conversation_head (tenant, id);
        CREATE INDEX conversation_head_by_customer ON conversation_head (tenant, customer) WHERE customer IS NOT NULL;
        CREATE INDEX conversation_head_open ON conversation_head (deadline) WHERE deadline IS NOT NULL;
        CREATE INDEX conversation_head_idle ON conversation_head (last_activity + idle_timeout) WHERE deadline IS NULL AND completed = 0;

        CREATE TABLE entry (
            conversation_id INTEGER NOT NULL,
            idx INTEGER NOT NULL,
            format INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            turn INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            time INTEGER NOT NULL,
            request_id TEXT,
            piece_count INTEGER,
            pieces_hash BLOB,
            hash BLOB NOT NULL,
            skeleton BLOB NOT NULL,
            sealed BLOB,
            prompt BLOB,
            receipt TEXT,
            PRIMARY KEY (conversation_id, idx),
            UNIQUE (conversation_id, turn, kind)
        ) STRICT;
        CREATE UNIQUE INDEX entry_by_request ON entry (conversation_id, request_id) WHERE request_id IS NOT NULL;

        CREATE TABLE piece (
            conversation_id INTEGER NOT NULL,
            turn INTEGER NOT NULL,
            number INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            time INTEGER NOT NULL,
            skeleton BLOB NOT NULL,
            sealed BLOB NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (conversation_id, turn, number)
        ) STRICT;

        CREATE TABLE administration (
            tenant TEXT PRIMARY KEY,
            next_index INTEGER NOT NULL,
            last_hash BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE administrative_record (
            tenant TEXT NOT NULL,
            idx INTEGER NOT NULL,
            format INTEGER NOT NULL,
            time INTEGER NOT NULL,
            hash BLOB NOT NULL,
            payload BLOB NOT NULL,
            PRIMARY KEY (tenant, idx)
        ) STRICT;
        CREATE TABLE document (
            tenant TEXT NOT NULL,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            change INTEGER NOT NULL,
            content BLOB,
            PRIMARY KEY (tenant, kind, id)
        ) STRICT;
        CREATE INDEX document_by_change ON document (change);
        CREATE TABLE registry_change (
            changes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO registry_change VALUES (0);
        """;

    public static string In(string folder) => Path.Combine(folder, SqliteRecord.FileName);

    /// <summary>Creates the file where missing. The caller holds the folder's lock.</summary>
    /// <exception cref="RecordFolderException"/>
    public static void Create(string folder)
    {
        var path = In(folder);
        try
        {
            MakeFile(path);
            using var connection = Connect(path, SqliteOpenMode.ReadWrite);
            if (Number(connection, "PRAGMA application_id") == 0 && Number(connection, "SELECT count(*) FROM sqlite_schema") == 0)
                Execute(connection, $"PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; {Schema} {TreeRows.Schema} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {SchemaVersion}; COMMIT");
        }
        catch (SqliteException cause) when (cause.SqliteErrorCode == NotADatabase)
        {
            throw NotARecord(folder);
        }
        catch (SqliteException cause)
        {
            throw new RecordFolderException(folder, Outage.Translate(cause).Message, cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new RecordFolderException(folder, $"'{SqliteRecord.FileName}' cannot be written ({cause.Message}). Give the server write access and free space there, or choose another folder.", cause);
        }
    }

    /// <summary>Where it is missing. The write-ahead log takes the file's mode, so that both are their owner's alone.</summary>
    public static void MakeFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        new FileStream(path, options).Dispose();
    }

    /// <param name="pageCountMax">Bounds the file; null for SQLite's own bound.</param>
    /// <exception cref="RecordFolderException">Not a record, or of another version.</exception>
    /// <exception cref="SqliteException"/>
    public static SqliteConnection OpenToWrite(string folder, long? pageCountMax = null)
    {
        var connection = Connect(In(folder), SqliteOpenMode.ReadWrite);
        try
        {
            RequireVersion(connection, folder);
            // fullfsync matters on macOS alone, where fsync does not reach the disk.
            Execute(connection, """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA fullfsync = ON;
                PRAGMA checkpoint_fullfsync = ON;
                PRAGMA journal_size_limit = 67108864;
                PRAGMA cache_size = -16384
                """);
            if (pageCountMax is { } pages)
                Execute(connection, $"PRAGMA max_page_count = {pages}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <param name="path">Of the file.</param>
    /// <exception cref="RecordFolderException">Not a record, or of another version.</exception>
    /// <exception cref="SqliteException"/>
    public static SqliteConnection OpenToRead(string path)
    {
        var connection = Connect(path, SqliteOpenMode.ReadOnly);
        try
        {
            RequireVersion(connection, Path.GetDirectoryName(path)!);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="OpenToRead"/>, also from a medium that takes no write at all, e.g. a copy handed over as evidence.</summary>
    public static SqliteConnection OpenEvidence(string path)
    {
        try
        {
            return OpenToRead(path);
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode == CannotOpen && new FileInfo(path + "-wal") is not { Exists: true, Length: > 0 })
        {
            return OpenToRead(new Uri(path).AbsoluteUri + "?immutable=1");
        }
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(command.ExecuteScalar() ?? 0L);
    }

    private static void RequireVersion(SqliteConnection connection, string folder)
    {
        if (Number(connection, "PRAGMA application_id") != ApplicationId)
            throw NotARecord(folder);
        if (Number(connection, "PRAGMA user_version") is var version and not SchemaVersion)
            throw new RecordFolderException(folder, $"the record has version {version}, this program knows version {SchemaVersion}. Run the version that wrote it, or choose another folder.");
    }

    private static RecordFolderException NotARecord(string folder) =>
        new(folder, $"'{SqliteRecord.FileName}' is not a record of R1Grains. Choose another folder.");

    public static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = 5,
        }.ToString());
        connection.Open();
        return connection;
    }
}
