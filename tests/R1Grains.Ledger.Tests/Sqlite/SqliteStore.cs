using R1Grains.Ledger.Tests.Tree;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Sqlite;

internal sealed class SqliteStore : IRecordStore
{
    private readonly StoreKeys _keys;

    public SqliteStore() => _keys = new StoreKeys(Folder.Path);

    public RecordFolder Folder { get; } = new();

    public string[] Arguments => ["sqlite", Folder.Path];

    public NoteKey Key => NoteKey.FromPem(File.ReadAllText(Path.Combine(Folder.Path, SqliteRecord.KeyFileName) + ".pub"));

    public async Task<IRecord> OpenWitnessedAsync(string witness) =>
        await SqliteRecord.OpenAsync(Folder.Path, new LogIdentity("r1grains", NoteSigner.ReadOrMake(Path.Combine(Folder.Path, SqliteRecord.KeyFileName))) { Witness = witness }, await _keys.Ring);

    public Task<PublishedTrees> OpenTreesAsync() => Task.FromResult(PublishedTrees.OpenFile(Folder.Path));

    public async Task<IRecord> OpenAsync() => await SqliteRecord.OpenAsync(Folder.Path, keys: await _keys.Ring);

    public async Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey>? keys, IProgress<VerificationProgress>? progress, CancellationToken cancellation) =>
        await RecordVerifier.VerifyAsync(Folder.Path, keys, await _keys.Ring, progress, cancellation);

    public Task<VerificationReport> VerifyWithoutKeysAsync() => RecordVerifier.VerifyAsync(Folder.Path);

    public Task DestroyKeysAsync(string tenant, string customer) => _keys.DestroyAsync(tenant, customer);

    public Task LoseKeysAsync() => _keys.LoseAsync();

    public Task ExecuteAsync(string sql)
    {
        Folder.Execute(sql);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        Folder.Dispose();
    }
}

public sealed class SqliteAppendTests() : AppendTests(new SqliteStore());

public sealed class SqliteErasureTests() : ErasureTests(new SqliteStore());

public sealed class SqliteErasureCrashTests() : ErasureCrashTests(new SqliteStore());

public sealed class SqliteReadTests() : ReadTests(new SqliteStore());

public sealed class SqliteRegistryTests() : RegistryTests(new SqliteStore());

public sealed class SqliteHistoryTests() : HistoryTests(new SqliteStore());

public sealed class SqliteCrashTests() : CrashTests(new SqliteStore());

public sealed class SqliteTenantVerificationTests() : TenantVerificationTests(new SqliteStore());

public sealed class SqliteTreeTests() : StoredTreeTests(new SqliteStore())
{
    protected override string Blob(byte[] bytes) => $"x'{Convert.ToHexStringLower(bytes)}'";

    protected override string Joined(string expression) => $"CAST({expression} AS BLOB)";
}
