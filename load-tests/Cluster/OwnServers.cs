using Npgsql;
using R1Grains.Tests.Servers;

namespace R1Grains.LoadTests.Cluster;

/// <summary>
/// A PostgreSQL and a Redis for the run, with folders of their own, which faults may be done to. What is reached through
/// doors can be cut off; of PostgreSQL there are two, one of which leads nowhere until a standby stands behind it.
/// </summary>
internal sealed class OwnServers : IAsyncDisposable
{
    private const string Database = "load";
    private static readonly TimeSpan AwayFor = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StandbyPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly RedisServer _redis;
    private readonly Door _redisDoor;

    // Of each door; the other one is free.
    private readonly PostgresServer?[] _postgres;
    private readonly Door[] _postgresDoors;
    private int _primary;

    private OwnServers(PostgresServer postgres, RedisServer redis)
    {
        (_postgres, _redis) = ([postgres, null], redis);
        (_postgresDoors, _redisDoor) = ([new(postgres.Address), new(null)], new(redis.Connection));
    }

    public static async Task<OwnServers> StartAsync()
    {
        var redis = RedisServer.StartAsync();
        var postgres = await PostgresServer.StartAsync("max_connections = 400", "shared_buffers = '128MB'");
        await postgres.CreateDatabaseAsync(Database);
        return new(postgres, await redis);
    }

    private PostgresServer Primary => _postgres[_primary]!;

    /// <summary>Connection strings by name, to the servers themselves.</summary>
    public IReadOnlyDictionary<string, string> Direct => Connections(Primary.ConnectionString(Database), _redis.Connection);

    /// <summary>Connection strings by name, through the doors.</summary>
    public IReadOnlyDictionary<string, string> ThroughDoors => Connections(
        new NpgsqlConnectionStringBuilder(Primary.ConnectionString(Database)) { Host = string.Join(',', _postgresDoors.Select(door => door.Address)), TargetSessionAttributes = "primary" }.ToString(),
        _redisDoor.Address);

    public IReadOnlyList<PossibleFault> Faults =>
    [
        new(Cluster.Faults.PostgresRestart, "postgres", _ => Away(TimeSpan.Zero, Primary.StopAsync, Primary.StartAsync)),
        new(Cluster.Faults.PostgresAway, "postgres", _ => Away(AwayFor, Primary.StopAsync, Primary.StartAsync)),
        new(Cluster.Faults.PostgresPromote, "postgres", _ => Promote(), Prepare: _ => MakeStandby()),
        new(Cluster.Faults.PostgresCut, "postgres", _ => Cut(_postgresDoors)),
        new(Cluster.Faults.RedisRestart, "redis", _ => Away(TimeSpan.Zero, _redis.KillAsync, _redis.StartAsync)),
        new(Cluster.Faults.RedisAway, "redis", _ => Away(AwayFor, _redis.KillAsync, _redis.StartAsync)),
        new(Cluster.Faults.RedisCut, "redis", _ => Cut([_redisDoor])),
    ];

    public async ValueTask DisposeAsync()
    {
        foreach (var door in _postgresDoors.Append(_redisDoor)) await door.DisposeAsync();
        await _redis.DisposeAsync();
        foreach (var server in _postgres) if (server is not null) await server.DisposeAsync();
    }

    private static Dictionary<string, string> Connections(string postgres, string redis) => new() { ["Postgres"] = postgres, ["Redis"] = redis };

    private static async Task Away(TimeSpan time, Func<Task> stop, Func<Task> start)
    {
        await stop();
        await Task.Delay(time, TimeProvider.System);
        await start();
    }

    private static Task Cut(IEnumerable<Door> doors)
    {
        foreach (var door in doors) door.Cut();
        return Task.CompletedTask;
    }

    /// <summary>From now on what is acknowledged stands on both.</summary>
    private async Task MakeStandby()
    {
        var standby = await Primary.CreateStandbyAsync();
        (_postgres[1 - _primary], _postgresDoors[1 - _primary].Server) = (standby, standby.Address);
        await Primary.SetAsync("synchronous_standby_names", "*");
        using var patience = new CancellationTokenSource(StandbyPatience, TimeProvider.System);
        while (!await Primary.ScalarAsync<bool>("SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'"))
            await Task.Delay(Look, TimeProvider.System, patience.Token);
    }

    /// <summary>The primary is lost, as with its machine, and the standby is made the primary, which waits for no standby.</summary>
    private async Task Promote()
    {
        var lost = Primary;
        await lost.KillAsync();
        _postgresDoors[_primary].Server = null;
        _postgres[_primary] = null;
        _primary = 1 - _primary;
        await Primary.PromoteAsync();
        await Primary.SetAsync("synchronous_standby_names", "");
        await lost.DisposeAsync();
    }
}
