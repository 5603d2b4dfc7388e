using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Servers;

namespace R1Grains.LoadTests.Ledger;

/// <summary>Where the record lies that is measured: in a PostgreSQL of its own, in one that is given, or in files.</summary>
internal sealed class MeasuredStore : IAsyncDisposable
{
    private const string Database = "ledger";

    /// <summary>As the settings that ship, but for what this machine shares with whoever asks.</summary>
    private static readonly string[] ServerSettings = ["shared_buffers = '256MB'", "max_wal_size = '4GB'", "checkpoint_timeout = '15min'", "wal_compression = on"];

    private readonly PostgresServer? _server;
    private readonly string? _connection;

    // One for each folder: a database that keeps what earlier runs wrote has trees that other keys signed, too.
    private readonly NoteSigner _signer;
    private readonly bool _kept;

    private MeasuredStore(string folder, bool kept, KeyRing keys, PostgresServer? server, string? connection)
    {
        (Folder, _kept, Keys, _server, _connection) = (folder, kept, keys, server, connection);
        _signer = NoteSigner.ReadOrMake(Path.Combine(folder, SqliteRecord.KeyFileName));
    }

    /// <summary>For what the run writes; gone after it.</summary>
    public string Folder { get; }

    public KeyRing Keys { get; }

    /// <summary>With which its trees are signed.</summary>
    public string PublicPem => _signer.PublicPem;

    /// <summary>A note of the record's own.</summary>
    public string Note(string text, string name) => _signer.Note(text, name).ToString();

    public string Name => _server is not null ? "a PostgreSQL of its own" : _connection is not null ? "the PostgreSQL named" : "files";

    /// <param name="parent">The disk that is measured, if the server does not lie elsewhere.</param>
    /// <param name="connection">Of the server to use; null for one of its own.</param>
    /// <param name="kept">Name of a folder that stays, and is gone on with where it is; null for one that does not.</param>
    public static async Task<MeasuredStore> OpenAsync(string parent, string? connection, bool inFiles, string? kept = null)
    {
        var folder = Path.Combine(parent, kept ?? $"ledger-{Guid.NewGuid():n}");
        Directory.CreateDirectory(folder);
        var keys = await KeyRing.OpenBesideAsync(folder);
        if (inFiles || connection is not null)
            return new(folder, kept is not null, keys, null, connection);
        var server = await PostgresServer.StartAsync(ServerSettings);
        return new(folder, kept is not null, keys, server, await server.CreateDatabaseAsync(Database));
    }

    /// <param name="name">Tells records apart where they are files; a database has one.</param>
    public async Task<StoredRecord> OpenRecordAsync(string name) => _connection is { } connection
        ? await PostgresRecord.OpenAsync(connection, new FileRecordMarks(Folder), new LogIdentity("r1grains", _signer), Keys)
        : await SqliteRecord.OpenAsync(Path.Combine(Folder, name), new LogIdentity("r1grains", _signer), Keys);

    public Task<VerificationReport> VerifyAsync(string name) => _connection is { } connection
        ? RecordVerifier.VerifyPostgresAsync(connection)
        : RecordVerifier.VerifyAsync(Path.Combine(Folder, name));

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        await Keys.DisposeAsync();
        _signer.Dispose();
        if (!_kept) Directory.Delete(Folder, recursive: true);
    }
}
