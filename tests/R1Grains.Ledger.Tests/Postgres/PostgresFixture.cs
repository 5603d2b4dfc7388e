using R1Grains.Tests.Servers;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>The server of the tests that do it no harm.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await PostgresServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class PostgresCollection : ICollectionFixture<PostgresFixture>
{
    public const string Name = "postgres";
}

[Collection(PostgresCollection.Name)]
public sealed class PostgresAppendTests(PostgresFixture fixture) : AppendTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresErasureTests(PostgresFixture fixture) : ErasureTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresErasureCrashTests(PostgresFixture fixture) : ErasureCrashTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresReadTests(PostgresFixture fixture) : ReadTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresTenantVerificationTests(PostgresFixture fixture) : TenantVerificationTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresRegistryTests(PostgresFixture fixture) : RegistryTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresHistoryTests(PostgresFixture fixture) : HistoryTests(new PostgresStore(fixture.Server));

[Collection(PostgresCollection.Name)]
public sealed class PostgresCrashTests(PostgresFixture fixture) : CrashTests(new PostgresStore(fixture.Server));
