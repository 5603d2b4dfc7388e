using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Servers;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>A database and a folder of marks.</summary>
internal sealed class PostgresStore : IRecordStore
{
    private static int _count;

    private readonly PostgresServer _server;
    private readonly StoreKeys _keys;
    private string? _connectionString;

    public PostgresStore(PostgresServer server) => (_server, _keys) = (server, new StoreKeys(Marks));

    /// <summary>Of the database.</summary>
    public string Name { get; } = $"record_{Interlocked.Increment(ref _count)}";

    public string Marks { get; } = Directory.CreateTempSubdirectory("marks-").FullName;

    public string[] Arguments => ["postgres", _connectionString!, Marks];

    public NoteKey Key => NoteKey.FromPem(File.ReadAllText(KeyFile(Marks) + ".pub"));

    /// <summary>The same in every process that uses the folder.</summary>
    public static LogIdentity Identity(string marks) => new("r1grains", NoteSigner.ReadOrMake(KeyFile(marks)));

    /// <summary>The same, too, and one of each process.</summary>
    public Task<KeyRing> Keys => _keys.Ring;

    private static string KeyFile(string marks) => Path.Combine(marks, SqliteRecord.KeyFileName);

    public async Task<string> CreateAsync() => _connectionString ??= await _server.CreateDatabaseAsync(Name);

    async Task<IRecord> IRecordStore.OpenAsync() => await OpenAsync();

    public async Task<IRecord> OpenWitnessedAsync(string witness) =>
        await PostgresRecord.OpenAsync(await CreateAsync(), new FileRecordMarks(Marks), Identity(Marks) with { Witness = witness }, await Keys);

    public async Task<PublishedTrees> OpenTreesAsync() => await PublishedTrees.OpenPostgresAsync(await CreateAsync());

    public async Task<PostgresRecord> OpenAsync() => await PostgresRecord.OpenAsync(await CreateAsync(), new FileRecordMarks(Marks), Identity(Marks), await Keys);

    public async Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey>? keys = null, IProgress<VerificationProgress>? progress = null, CancellationToken cancellation = default) =>
        await RecordVerifier.VerifyPostgresAsync(await CreateAsync(), keys, await Keys, progress, cancellation);

    public async Task<VerificationReport> VerifyWithoutKeysAsync() => await RecordVerifier.VerifyPostgresAsync(await CreateAsync());

    /// <summary>As a superuser who has switched the triggers off.</summary>
    public Task ExecuteAsync(string sql) => _server.ExecuteAsync($"SET search_path = r1grains; SET session_replication_role = replica; {sql}", Name);

    public Task DestroyKeysAsync(string tenant, string customer) => _keys.DestroyAsync(tenant, customer);

    public Task RotateIndexAsync(string tenant, int version) => _keys.RotateIndexAsync(tenant, version);

    public Task LoseKeysAsync() => _keys.LoseAsync();

    public Task<T> ScalarAsync<T>(string sql) => _server.ScalarAsync<T>($"SET search_path = r1grains; {sql}", Name);

    /// <summary>The database goes with its server.</summary>
    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        Directory.Delete(Marks, recursive: true);
    }
}
