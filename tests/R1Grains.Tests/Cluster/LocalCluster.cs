using System.Collections.Frozen;
using System.Globalization;
using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Access;
using R1Grains.Ledger.Keys;
using R1Grains.Tests.Scripted;
using R1Grains.Tests.Servers;

namespace R1Grains.Tests.Cluster;

/// <summary>
/// A cluster of real processes on this machine, with a real PostgreSQL and a real Redis. Its silos: <c>a</c> is a gateway,
/// <c>b</c> a gateway that holds conversations, <c>c</c> holds conversations and has a device, <c>d</c> has a device.
/// Each test of the collection leaves it whole.
/// </summary>
public sealed class LocalCluster : IAsyncLifetime
{
    /// <summary>A byte is a token: at 20 a second the answer takes eight seconds, in about ten pieces.</summary>
    internal static readonly Script Script = new(
        Reasoning: "hm",
        Answer: "You said {words}: the first sentence is short. The second one goes on for a while, with a clause or two; and a third one, 费用为3.14元。 That is all there is to say.",
        TokensPerSecond: 20);

    private static readonly (string Name, Roles Roles)[] Silos =
        [("a", Roles.Gateway), ("b", Roles.Gateway | Roles.Conversation), ("c", Roles.Conversation | Roles.Inference), ("d", Roles.Inference)];

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, HostProcess> _hosts = [];
    private readonly Dictionary<string, GrpcChannel> _channels = [];
    private string _database = "";

    public PostgresServer Postgres { get; private set; } = null!;

    public RedisServer Redis { get; private set; } = null!;

    internal HostProcess Host(string name) => _hosts[name];

    public GrpcChannel Gateway(string name)
    {
        lock (_channels) return _channels[name];
    }

    public string Database => _database;

    /// <summary>How many replies the silo's device is at.</summary>
    public async Task<int> Replies(string name)
    {
        const string Running = "r1grains_engine_requests_running";
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(await Host(name).Scraped());
        var sample = metrics.Split('\n').Single(line => line.StartsWith(Running, StringComparison.Ordinal));
        return int.Parse(sample[(sample.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
    }

    /// <summary>With which what its silos record can be read.</summary>
    public Task<KeyRing> OpenKeys() => SharedKeys.Open(_folder.Path);

    /// <summary>Metadata with a token for the gateway, which knows its own development issuer.</summary>
    public Metadata Bearer(string name, string subject, params Permission[] permissions) => new()
    {
        { "authorization", $"Bearer {new DevelopmentIssuer(Path.Combine(_folder.Path, name)).Issue(new("demo", subject, permissions.ToFrozenSet()), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5))}" },
    };

    public async Task InitializeAsync()
    {
        var redis = RedisServer.StartAsync();
        Postgres = await PostgresServer.StartAsync();
        Redis = await redis;
        _database = await Postgres.CreateDatabaseAsync("cluster");
        await Task.WhenAll(Silos.Select(silo => Start(silo.Name)));
    }

    /// <summary>Starts the silo, which is not running; with the same name and folder as before.</summary>
    /// <param name="program">The folder of another build.</param>
    public async Task Start(string name, string? program = null)
    {
        var host = LaunchFrom(program ?? AppContext.BaseDirectory, name, Silos.Single(silo => silo.Name == name).Roles);
        lock (_hosts) _hosts[name] = host;
        var address = await host.Ready();
        lock (_channels) _channels[name] = GrpcChannel.ForAddress(address);
    }

    /// <summary>Starts what the test before has ended, or frozen.</summary>
    public Task Whole() => Task.WhenAll(_hosts.Where(host => host.Value.HasEnded || host.Value.IsFrozen).Select(async host =>
    {
        await host.Value.DisposeAsync();
        await Start(host.Key);
    }));

    /// <summary>Asks it to stop, and starts another build in its place.</summary>
    public async Task Replace(string name, string program)
    {
        Host(name).Stop();
        Assert.Equal(0, await Host(name).Exited());
        await Host(name).DisposeAsync();
        await Start(name, program);
    }

    /// <summary>A process that is not one of the cluster's own.</summary>
    internal HostProcess Launch(string name, Roles roles, params IEnumerable<(string Name, string Value)> environment) => LaunchFrom(AppContext.BaseDirectory, name, roles, environment);

    private HostProcess LaunchFrom(string program, string name, Roles roles, params IEnumerable<(string Name, string Value)> environment) => HostProcess.LaunchFrom(program, Path.Combine(_folder.Path, name), Script,
    [
        ("R1__Roles", roles.ToString()),
        ("R1__Cluster", "test"),
        ("R1__Silo__Name", name),
        ("R1__Metrics", "127.0.0.1:0"),
        ("ConnectionStrings__Postgres", _database),
        ("ConnectionStrings__Redis", Redis.Connection),
        ("R1__Retention__Minimum", "0"),
        .. SharedKeys.Settings(_folder.Path),
        .. environment,
    ]);

    public async Task DisposeAsync()
    {
        foreach (var channel in _channels.Values) channel.Dispose();
        await Task.WhenAll(_hosts.Values.Select(host => host.DisposeAsync().AsTask()));
        if (Redis is not null) await Redis.DisposeAsync();
        if (Postgres is not null) await Postgres.DisposeAsync();
        _folder.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class LocalClusterCollection : ICollectionFixture<LocalCluster>
{
    public const string Name = "local cluster";
}
