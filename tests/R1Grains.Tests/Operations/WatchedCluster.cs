using System.Collections.Frozen;
using System.Diagnostics;
using Grpc.Core;
using Grpc.Net.Client;
using R1Grains.Access;
using R1Grains.Tests.Cluster;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.Tests.Servers;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Operations;

/// <summary>
/// Two processes that log everything and are traced, <c>a</c> a gateway with a device and <c>b</c> for conversations, so that
/// a turn goes from one to the other and back. It had one turn that is traced and one that is not, and has ended.
/// </summary>
public sealed class WatchedCluster : IAsyncLifetime
{
    /// <summary>In the question, in the reasoning, in the answer.</summary>
    public static readonly string[] Words = ["zebrafish", "quokka", "okapi"];

    public const string Conversation = "tenants/demo/conversations/c4711";

    private readonly TemporaryFolder _folder = new();
    private TraceCollector _collector = null!;

    /// <summary>Of the first turn, and of the second, which is not recorded.</summary>
    public ActivityContext Traced { get; } = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

    public ActivityContext Untraced { get; } = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None);

    internal IReadOnlyList<ReceivedSpan> Spans => _collector.Spans;

    public string Exported => _collector.Bodies;

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Output { get; private set; } = null!;

    /// <summary>What the dashboard said of the cluster, though one silo does not have it.</summary>
    public string Counters { get; private set; } = "";

    public async Task InitializeAsync()
    {
        var starting = RedisServer.StartAsync();
        await using var postgres = await PostgresServer.StartAsync();
        await using var redis = await starting;
        var database = await postgres.CreateDatabaseAsync("watched");
        _collector = await TraceCollector.StartAsync();
        await using var a = Launch("a", Roles.Gateway | Roles.Inference, database, redis.Connection, ("R1__Dashboard", "127.0.0.1:0"));
        await using var b = Launch("b", Roles.Conversation, database, redis.Connection);
        await b.Ready();
        using (var channel = GrpcChannel.ForAddress(await a.Ready()))
        {
            await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(new() { Parent = "tenants/demo", ConversationId = "c4711", RequestId = "1" });
            await Ask(channel, "2", Traced);
            await Ask(channel, "3", Untraced);
        }
        Counters = await Watch(await a.Dashboard());
        a.Stop();
        Assert.Equal(0, await a.Exited());
        b.Stop();
        Assert.Equal(0, await b.Exited());
        Output = new Dictionary<string, IReadOnlyList<string>> { ["a"] = a.Output, ["b"] = b.Output };
    }

    public async Task DisposeAsync()
    {
        if (_collector is not null) await _collector.DisposeAsync();
        _folder.Dispose();
    }

    private HostProcess Launch(string name, Roles roles, string database, string redis, params (string, string)[] more) => HostProcess.Launch(
        Path.Combine(_folder.Path, name), new Script($"Let me think of the {Words[1]}.", $"You said {{words}}, and I say {Words[2]}."),
        [
            ("R1__Roles", roles.ToString()),
            ("R1__Cluster", "watched"),
            ("R1__Silo__Name", name),
            ("ConnectionStrings__Postgres", database),
            ("ConnectionStrings__Redis", redis),
            .. SharedKeys.Settings(_folder.Path),
            ("Logging__LogLevel__Default", "Trace"),
            ("Logging__LogLevel__R1Grains", "Trace"),
            ("Logging__LogLevel__Orleans", "Trace"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", _collector.Address),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_RESOURCE_ATTRIBUTES", $"service.instance.id={name}"),
            .. more,
        ]);

    private static async Task Ask(GrpcChannel channel, string requestId, ActivityContext trace)
    {
        var parent = new Metadata { { "traceparent", $"00-{trace.TraceId}-{trace.SpanId}-{(int)trace.TraceFlags:x2}" } };
        using var call = new TurnService.TurnServiceClient(channel).StreamTurn(Talk.Turn(Conversation, requestId, $"Where is my {Words[0]}?"), parent);
        var events = await call.Rest();
        Assert.Equal(Kind.Completed, events[^1].EventCase);
        Assert.Equal($"You said Where is my {Words[0]}?, and I say {Words[2]}.", events.Text());
    }

    /// <summary>Until both silos are there.</summary>
    private async Task<string> Watch(string dashboard)
    {
        using var http = new HttpClient();
        var token = new DevelopmentIssuer(Path.Combine(_folder.Path, "a")).Issue(new("demo", "olga", new[] { Permission.WatchCluster }.ToFrozenSet()), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5));
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var counters = "";
        for (var tries = 0; tries < 60 && !(counters.Contains("a:Gateway", StringComparison.Ordinal) && counters.Contains("b:Conversation", StringComparison.Ordinal)); tries++)
        {
            await timer.WaitForNextTickAsync();
            using var answer = await http.GetAsync(new Uri(new Uri(dashboard), "/DashboardCounters"));
            counters = await answer.Content.ReadAsStringAsync();
        }
        return counters;
    }
}
