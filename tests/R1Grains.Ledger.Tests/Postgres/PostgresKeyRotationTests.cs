using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Tests.Keys;

namespace R1Grains.Ledger.Tests.Postgres;

[Collection(PostgresCollection.Name)]
public sealed class PostgresKeyRotationTests(PostgresFixture fixture) : KeyRotationTests
{
    private static int _count;

    private readonly PostgresStore _store = new(fixture.Server);

    private readonly string _keys = $"rotated_keys_{Interlocked.Increment(ref _count)}";

    protected override async Task<string[]> MakeAsync() => ["postgres", await _store.CreateAsync(), _store.Marks, await fixture.Server.CreateBareDatabaseAsync(_keys)];

    protected override Task<VerificationReport> VerifyAsync(KeyRing ring) => RecordVerifier.VerifyPostgresAsync(Store[1], dataKeys: ring);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _store.DisposeAsync();
    }
}
