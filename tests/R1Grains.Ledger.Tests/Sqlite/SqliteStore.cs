namespace R1Grains.Ledger.Tests.Sqlite;

internal sealed class SqliteStore : IRecordStore
{
    public RecordFolder Folder { get; } = new();

    public string[] Arguments => ["sqlite", Folder.Path];

    public async Task<IRecord> OpenAsync() => await Folder.OpenAsync();

    public Task<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellation) => RecordVerifier.VerifyAsync(Folder.Path, progress, cancellation);

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
