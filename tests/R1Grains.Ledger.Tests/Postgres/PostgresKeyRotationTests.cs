using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tests.Keys;
using R1Grains.Ledger.Tree;

namespace R1Grains.Ledger.Tests.Postgres;

[Collection(PostgresCollection.Name)]
public sealed class PostgresKeyRotationTests(PostgresFixture fixture) : KeyRotationTests
{
    private static int _count;

    private readonly PostgresStore _store = new(fixture.Server);

    private readonly string _keys = $"rotated_keys_{Interlocked.Increment(ref _count)}";

    protected override async Task<string[]> MakeAsync() => ["postgres", await _store.CreateAsync(), _store.Marks, await fixture.Server.CreateBareDatabaseAsync(_keys)];

    protected override Task<VerificationReport> VerifyAsync(KeyRing ring, params NoteKey[] keys) => RecordVerifier.VerifyPostgresAsync(Store[1], keys, ring);

    protected override string KeyFile => Path.Combine(_store.Marks, SqliteRecord.KeyFileName);

    protected override Task<PublishedTrees> OpenTreesAsync() => PublishedTrees.OpenPostgresAsync(Store[1]);

    protected override Task ExecuteAsync(string sql) => _store.ExecuteAsync(sql);

    protected override Task ForgetSignersAsync() => fixture.Server.ExecuteAsync("UPDATE r1keys.key SET tenant = 'away' WHERE name LIKE 'signing-2%'", _keys);

    protected override Task RememberSignersAsync() => fixture.Server.ExecuteAsync("UPDATE r1keys.key SET tenant = '*' WHERE tenant = 'away'", _keys);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _store.DisposeAsync();
    }
}
