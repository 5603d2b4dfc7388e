using R1Grains.Tests.Servers;

namespace R1Grains.LoadTests.Cluster;

/// <summary>A PostgreSQL and a Redis for the run, with folders of their own, which faults may be done to.</summary>
internal sealed class OwnServers : IAsyncDisposable
{
    private readonly PostgresServer _postgres;
    private readonly RedisServer _redis;
    private int _databases;

    private OwnServers(PostgresServer postgres, RedisServer redis) => (_postgres, _redis) = (postgres, redis);

    public static async Task<OwnServers> StartAsync()
    {
        var redis = RedisServer.StartAsync();
        return new(await PostgresServer.StartAsync("max_connections = 200", "shared_buffers = '128MB'"), await redis);
    }

    public IReadOnlyList<IBackingServer> Backing => [new Postgres(_postgres), new Redis(_redis)];

    /// <summary>Connection strings by name, with a new database.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ConnectAsync() => new Dictionary<string, string>
    {
        ["Postgres"] = await _postgres.CreateDatabaseAsync($"load{++_databases}"),
        ["Redis"] = _redis.Connection,
    };

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private sealed class Postgres(PostgresServer server) : IBackingServer
    {
        public string Name => "Postgres";

        public Task Stop() => server.StopAsync();

        public Task Start() => server.StartAsync();
    }

    private sealed class Redis(RedisServer server) : IBackingServer
    {
        public string Name => "Redis";

        public Task Stop() => server.KillAsync();

        public Task Start() => server.StartAsync();
    }
}
