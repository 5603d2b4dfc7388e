using R1Grains.Ledger.Tests.Tree;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Sqlite;

internal sealed class SqliteStore : IRecordStore
{
    public RecordFolder Folder { get; } = new();

    public string[] Arguments => ["sqlite", Folder.Path];

    public NoteKey Key => NoteKey.FromPem(File.ReadAllText(Path.Combine(Folder.Path, SqliteRecord.KeyFileName) + ".pub"));

    public async Task<IRecord> OpenWitnessedAsync(string witness) =>
        await SqliteRecord.OpenAsync(Folder.Path, new LogIdentity("r1grains", NoteSigner.ReadOrMake(Path.Combine(Folder.Path, SqliteRecord.KeyFileName))) { Witness = witness });

    public Task<PublishedTrees> OpenTreesAsync() => Task.FromResult(PublishedTrees.OpenFile(Folder.Path));

    public async Task<IRecord> OpenAsync() => await Folder.OpenAsync();

    public Task<VerificationReport> VerifyAsync(IReadOnlyList<NoteKey>? keys, IProgress<VerificationProgress>? progress, CancellationToken cancellation) => RecordVerifier.VerifyAsync(Folder.Path, keys, progress, cancellation);

    public Task ExecuteAsync(string sql)
    {
        Folder.Execute(sql);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        Folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

public sealed class SqliteAppendTests() : AppendTests(new SqliteStore());

public sealed class SqliteReadTests() : ReadTests(new SqliteStore());

public sealed class SqliteRegistryTests() : RegistryTests(new SqliteStore());

public sealed class SqliteHistoryTests() : HistoryTests(new SqliteStore());

public sealed class SqliteCrashTests() : CrashTests(new SqliteStore());

public sealed class SqliteTreeTests() : StoredTreeTests(new SqliteStore())
{
    protected override string Blob(byte[] bytes) => $"x'{Convert.ToHexStringLower(bytes)}'";

    protected override string Joined(string expression) => $"CAST({expression} AS BLOB)";
}
