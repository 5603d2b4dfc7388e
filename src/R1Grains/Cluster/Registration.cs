using System.Net;
using System.Net.Sockets;
using Orleans.Configuration;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Tree;
using R1Grains.Operations;

namespace R1Grains.Cluster;

public static class Registration
{
    /// <summary>Makes the process a silo: of a cluster that meets in Redis, or the only one of its own.</summary>
    public static void AddCluster(this IHostApplicationBuilder builder, Settings settings) => builder.UseOrleans(silo =>
    {
        silo.Configure<ClusterOptions>(cluster => cluster.ClusterId = cluster.ServiceId = settings.Cluster)
            .AddActivityPropagation()
            .AddNodes(settings.SiloName, settings.Roles)
            .AddDashboard(settings);
        if (settings.SiloTls is { } tls) SiloCertificate.Open(tls, settings.Cluster).Secure(silo);
        if (settings.Redis is { } redis) Join(silo, redis, settings);
        else Alone(silo);
        if (settings.Postgres is { } postgres) Keep(silo, postgres);
        else Forget(silo);
    });

    /// <summary>Name of the storage for what grains keep beside the record.</summary>
    public const string Snapshots = "snapshots";

    /// <summary>What grains keep beside the record ends with the process.</summary>
    public static ISiloBuilder Forget(ISiloBuilder silo) => Binary(silo).AddMemoryGrainStorage(Snapshots).UseInMemoryReminderService();

    /// <summary>The membership tells the silo's name and roles, and grains are placed by them.</summary>
    public static ISiloBuilder AddNodes(this ISiloBuilder silo, string name, Roles roles)
    {
        // Each class of grains has a strategy of its own, into which its properties are read.
        silo.Services.AddSingleton<Nodes>().AddPlacementFilter<RolePlacement, RolePlacementDirector>(ServiceLifetime.Transient);
        return silo.Configure<SiloOptions>(options => options.SiloName = Node.SiloName(name, roles));
    }

    /// <summary>The record, the registry and the search index beside it, in the database of the cluster or in a file of this process.</summary>
    public static IServiceCollection AddRecord(this IServiceCollection services, Settings settings) =>
        (settings.Postgres is not { } postgres
            ? services.AddSingleton<IRecord>(provider => SqliteRecord.OpenAsync(settings.Data, settings.RecordKey is null && settings.RecordWitness is null ? null : Identity(provider), provider.GetRequiredService<KeyRing>()).GetAwaiter().GetResult())
            : services
                .AddSingleton<IRecordMarks>(_ => settings.Redis is { } redis ? new RedisRecordMarks(redis, settings.Cluster) : new FileRecordMarks(settings.Data))
                .AddSingleton(new PostgresLogins(postgres) { Reader = settings.PostgresReader ?? postgres, Indexer = settings.PostgresIndexer ?? postgres, Owner = settings.PostgresOwner ?? postgres })
                .AddSingleton<RecordMonths>()
                .AddSingleton<IRecord>(provider => PostgresServer.Open(
                    provider.GetRequiredService<PostgresLogins>(),
                    provider.GetRequiredService<IRecordMarks>(), settings.Roles.HasFlag(Roles.Conversation) ? Identity(provider) : null, settings.HoldsKeys ? provider.GetRequiredService<KeyRing>() : null, provider.GetRequiredService<TimeProvider>()).GetAwaiter().GetResult()))
        .AddSingleton(_ => NoteSigner.ReadOrMake(settings.RecordKey ?? Path.Combine(settings.Data, SqliteRecord.KeyFileName)))
        .AddSingleton(_ => OpenKeys(settings).GetAwaiter().GetResult())
        .AddSingleton(provider => ((StoredRecord)provider.GetRequiredService<IRecord>()).Registry)
        .AddSingleton(provider => ((StoredRecord)provider.GetRequiredService<IRecord>()).Index);

    private static async Task<KeyRing> OpenKeys(Settings settings)
    {
        var root = settings.RootKey is { } base64 ? RootKey.Parse(base64, "R1__Record__RootKey") : RootKey.ReadOrMake(Path.Combine(settings.Data, KeyRing.RootKeyFileName));
        IKeyStore store = settings.KeyDatabase is { } database
            ? await PostgresServer.OpenKeys(database, TimeProvider.System)
            : FolderKeyStore.Open(settings.RecordKeys ?? Path.Combine(settings.Data, KeyRing.FolderName));
        return await KeyRing.OpenAsync(store, root);
    }

    /// <summary>The trees are signed where conversations are written, in the cluster's name.</summary>
    private static LogIdentity Identity(IServiceProvider provider)
    {
        var settings = provider.GetRequiredService<Settings>();
        var log = provider.GetRequiredService<ILogger<NoteSigner>>();
        return new(settings.Cluster, provider.GetRequiredService<NoteSigner>()) { Witness = settings.RecordWitness, Failed = failure => Log.TreesStand(log, failure.Message) };
    }

    private static void Join(ISiloBuilder silo, string redis, Settings settings)
    {
        var listen = settings.SiloListen;
        silo.UseRedisClustering(options =>
            {
                options.ConfigurationOptions = RedisConnection.Options(redis);
                options.CreateMultiplexer = async _ => (await RedisConnection.Connect(redis), IsShared: false);
            })
            // Nobody connects from outside the cluster, so there is no port for it.
            .ConfigureEndpoints(listen.Address, listen.Port == 0 ? FreePort(listen.Address) : listen.Port, gatewayPort: 0)
            .Configure<ClusterMembershipOptions>(membership =>
            {
                // A killed silo is noticed by its broken connections within about a second, a frozen one after two
                // probes and as many votes; see the tests of the cluster for the times.
                membership.ProbeTimeout = TimeSpan.FromSeconds(1);
                membership.NumMissedProbesLimit = 2;
                // Nobody is declared dead of whom something was heard within twice this time, whatever it was: that is how
                // long a frozen silo holds up those who wait for it alone, and how long a busy one may say nothing.
                membership.MaxProbeTimeout = TimeSpan.FromSeconds(2.5);
                membership.NumVotesForDeathDeclaration = 2;
                membership.TableRefreshTimeout = TimeSpan.FromSeconds(10);
                membership.IAmAliveTablePublishTimeout = SiloName.Announced;
                // Longer than it takes to declare a frozen silo dead, which must be reached until then.
                membership.MaxJoinAttemptTime = TimeSpan.FromSeconds(30);
            })
            // No lease on what a dead silo had: a life of a conversation that should still go on is fenced by its epoch.
            .Configure<GrainDirectoryOptions>(directory => directory.RangeLeaseDuration = TimeSpan.Zero)
            .AddStartupTask<SiloName>(ServiceLifecycleStage.ApplicationServices);
#pragma warning disable ORLEANSEXP003 // In use since Orleans 9; the other directory ends, with each silo that dies, conversations that live elsewhere.
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        silo.Services.AddSingleton<IFatalErrorHandler, DeclaredDead>();
    }

    private static void Alone(ISiloBuilder silo) =>
        // A silo's port cannot be chosen while it starts.
        silo.UseLocalhostClustering(siloPort: FreePort(IPAddress.Loopback), gatewayPort: 0);

    private static void Keep(ISiloBuilder silo, string postgres)
    {
        const string Npgsql = "Npgsql";
        // A snapshot that cannot be read tells its caller, in another silo, why; what has no codec would be an internal error there.
        silo.Services.Configure<ExceptionSerializationOptions>(exceptions => exceptions.SupportedNamespacePrefixes.Add(Npgsql));
        Binary(silo).AddAdoNetGrainStorage(Snapshots, options => (options.Invariant, options.ConnectionString) = (Npgsql, ClusterTables.Connection(postgres)))
            .UseAdoNetReminderService(options => (options.Invariant, options.ConnectionString) = (Npgsql, ClusterTables.Connection(postgres)));
    }

    /// <summary>Snapshots are kept as messages are: JSON's names and types would be a second format.</summary>
    private static ISiloBuilder Binary(ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IGrainStorageSerializer>(services => new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>()));
        return silo;
    }

    private static int FreePort(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
