using System.Net;
using System.Net.Sockets;
using R1Grains.Ledger.Keys;
using R1Grains.LoadTests.Clients;
using R1Grains.Operations;

namespace R1Grains.LoadTests.Cluster;

/// <param name="Roles">As in R1__Roles; empty for the embedded host, which has them all.</param>
internal sealed record MemberPlan(string Name, string Roles)
{
    public bool IsGateway => Roles is "" || Roles.Contains("gateway", StringComparison.Ordinal);
}

/// <param name="Connections">By name, e.g. Postgres; none for the embedded host.</param>
/// <param name="Rows">Of each device.</param>
/// <param name="Logs">Folder for what each process writes, over all its lives; null for none.</param>
internal sealed record ClusterPlan(IReadOnlyList<MemberPlan> Members, IReadOnlyDictionary<string, string> Connections, Pace Pace, int Rows, string? Logs = null)
{
    public const string Embedded = "";

    /// <summary>From e.g. "gateway,gateway,conversation+inference": a process each, its roles with + between.</summary>
    public static IReadOnlyList<MemberPlan> Parse(string members) =>
        [.. members.Split(',', StringSplitOptions.TrimEntries).Select((roles, i) => new MemberPlan($"{(roles is Embedded ? "host" : roles.Replace('+', '-'))}-{i + 1}", roles.Replace('+', ',')))];
}

/// <summary>One process of a cluster. It keeps its addresses and its data over all its lives.</summary>
internal sealed class Member(MemberPlan plan, IReadOnlyDictionary<string, string> environment, string address, WallClock clock, string? log) : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan CollectPatience = TimeSpan.FromSeconds(60);

    private ServerProcess? _process;

    public MemberPlan Plan => plan;

    public string Address => address;

    public WallClock Clock => clock;

    public int? ProcessId => _process is { HasExited: false } running ? running.Id : null;

    public bool HasExited => _process?.HasExited != false;

    /// <summary>The last lines of its present or its last life.</summary>
    public IReadOnlyList<string> Lines => _process?.Lines ?? [];

    /// <summary>Returns when it says SERVING.</summary>
    /// <exception cref="StartFailure">It ended instead.</exception>
    public async Task Start(CancellationToken cancellation)
    {
        if (_process is not null) await _process.DisposeAsync();
        _process = ServerProcess.Start(plan.Name, [Path.Combine(AppContext.BaseDirectory, "load-tests.dll"), "host"], environment, log);
        await _process.Address(cancellation).WaitAsync(StartPatience, TimeProvider.System, cancellation);
        await UntilServing(cancellation);
    }

    public async Task UntilServing(CancellationToken cancellation)
    {
        using var itself = new Servers([address]);
        await itself.UntilServing(StartPatience, cancellation);
    }

    /// <inheritdoc cref="ServerProcess.Memory"/>
    public Task<SiloMemory> Memory() => _process!.Memory(CollectPatience);

    public Task Kill() => _process!.Kill();

    public Task Terminate() => _process!.Terminate(StopPatience);

    public void Freeze() => _process!.Freeze();

    public void Thaw()
    {
        if (!HasExited) _process!.Thaw();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }
}

/// <summary>A cluster's processes on this machine, with one folder for all that they write.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    // Below those that the system hands out to connections: a port must still be free when its process comes back.
    private const int PortMin = 20_000, PortMax = 30_000;

    private const string Policy = "---\nversion: 1\n---\nBe brief.\n";
    private const string Facts = "---\nversion: 1\n---\n## Nothing that anybody asks for\nIt is not to be had.\n";

    // Of keys that live as long as the run.
    private const string RootKey = "dGhlIHJvb3Qga2V5IG9mIGEgY2x1c3RlciBydW5uaW4=";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("r1grains-cluster-");

    private LocalCluster(ClusterPlan plan)
    {
        var tenant = _folder.CreateSubdirectory("tenants/demo").FullName;
        File.WriteAllText(Path.Combine(tenant, "policy.md"), Policy);
        File.WriteAllText(Path.Combine(tenant, "facts.md"), Facts);
        Members = [.. plan.Members.Select(member => Plan(plan, member))];
    }

    public IReadOnlyList<Member> Members { get; }

    public IReadOnlyList<string> Gateways => [.. Members.Where(member => member.Plan.IsGateway).Select(member => member.Address)];

    public IEnumerable<(string Name, int Id)> Processes => Members.Where(member => member.ProcessId is not null).Select(member => (member.Plan.Name, member.ProcessId!.Value));

    /// <summary>Of a member of its own record.</summary>
    public string DataOf(Member member) => Path.Combine(_folder.FullName, "data", member.Plan.Name);

    /// <summary>With which what its processes record is read and written.</summary>
    public Task<KeyRing> OpenKeys() => KeyRing.OpenAsync(FolderKeyStore.Open(KeysFolder), R1Grains.Ledger.Keys.RootKey.Parse(RootKey, "the run's root key"));

    private string KeysFolder => Path.Combine(_folder.FullName, KeyRing.FolderName);

    public static async Task<LocalCluster> StartAsync(ClusterPlan plan, CancellationToken cancellation)
    {
        var cluster = new LocalCluster(plan);
        try
        {
            // One after the other: the first of a record makes its tables.
            foreach (var member in cluster.Members) await member.Start(cancellation);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in Members) await member.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Member Plan(ClusterPlan plan, MemberPlan member)
    {
        var address = $"127.0.0.1:{FreePort()}";
        var environment = new Dictionary<string, string>(plan.Pace.Environment)
        {
            ["R1__Listen"] = address,
            ["R1__Data"] = Path.Combine(_folder.FullName, "data", member.Name),
            ["R1__Tenants"] = Path.Combine(_folder.FullName, "tenants"),
            ["R1__ShutdownTimeout"] = "00:00:30",
            ["R1__Engine__Rows"] = $"{plan.Rows}",
            ["R1__Engine__QueueLimit"] = "256",
        };
        var clock = new WallClock(Path.Combine(_folder.FullName, $"{member.Name}.clock"));
        environment[clock.Environment.Key] = clock.Environment.Value;
        foreach (var (name, connection) in plan.Connections) environment[$"ConnectionStrings__{name}"] = connection;
        if (member.Roles is not ClusterPlan.Embedded)
        {
            environment["R1__Roles"] = member.Roles;
            environment["R1__Cluster"] = _folder.Name;
            environment["R1__Silo__Name"] = member.Name;
            environment["R1__Record__Keys"] = KeysFolder;
            environment["R1__Record__RootKey"] = RootKey;
            environment["R1__Silo__Listen"] = $"127.0.0.1:{FreePort()}";
        }
        return new(member, environment, $"http://{address}", clock, plan.Logs is { } logs ? Path.Combine(Directory.CreateDirectory(logs).FullName, $"{member.Name}.log") : null);
    }

    private static int FreePort()
    {
        while (true)
        {
            try
            {
                var port = Random.Shared.Next(PortMin, PortMax);
                using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
            }
        }
    }
}
