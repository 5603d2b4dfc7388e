using System.Net;
using System.Text;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Operations;

public sealed class MetricsTests
{
    private const string Words = "Where is my salary?";

    [Fact]
    public async Task Prometheus_reads_what_the_engine_the_server_and_the_cluster_do()
    {
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, new Script(), ("R1__Metrics", "127.0.0.1:0"), ("OTEL_SERVICE_NAME", "bank-a"));
        using var channel = GrpcChannel.ForAddress(await host.Ready());
        await Converse(channel);

        using var http = new HttpClient();
        var text = await Scrape(http, await host.Scraped(), until: "gen_ai_server_request_duration_seconds_count");
        Assert.Contains("service_name=\"bank-a\"", text);
        foreach (var name in new[] { "request_duration", "time_to_first_token", "time_per_output_token" })
            Assert.Contains(Samples(text, $"gen_ai_server_{name}_seconds_bucket"), line => line.Contains("le=\"0.8\"", StringComparison.Ordinal));
        foreach (var name in new[] { "requests_running", "requests_waiting", "requests_paused", "kv_used", "kv_parked", "kv_capacity" })
            Assert.Single(Samples(text, $"r1grains_engine_{name}"));
        foreach (var name in new[] { "prefix_tokens_queried", "prefix_tokens_hit", "prompt_tokens", "generated_tokens" })
            Assert.Single(Samples(text, $"r1grains_engine_{name}_total"));
        foreach (var name in new[] { "step_rows", "prefill_chunk", "queue_duration_seconds" })
            Assert.Single(Samples(text, $"r1grains_engine_{name}_count"));
        Assert.NotEmpty(Samples(text, "http_server_request_duration_seconds_count"));
        Assert.NotEmpty(Samples(text, "kestrel_active_connections"));
        Assert.Contains("\norleans_", text);
        Assert.NotEmpty(Samples(text, "dotnet_gc_collections_total"));
        NamesNobody(text);
    }

    [Fact]
    public async Task Metrics_have_their_port_to_themselves()
    {
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, new Script(), ("R1__Metrics", "127.0.0.1:0"));
        var address = await host.Ready();
        var metrics = await host.Scraped();
        using var http = new HttpClient();
        using var other = await http.PostAsync(new Uri(new Uri(metrics), "/r1grains.v1.TurnService/StreamTurn"), null);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);

        using var request = new HttpRequestMessage(HttpMethod.Get, $"{address}/metrics") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var elsewhere = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);

        // Neither a scrape nor what came to the port is a request to the host; the one beside it is.
        var text = await Scrape(http, metrics, until: "http_server_request_duration_seconds_count");
        Assert.EndsWith(" 1", Assert.Single(Samples(text, "http_server_request_duration_seconds_count")));
    }

    [Fact]
    public async Task A_collector_gets_the_same_by_otlp()
    {
        var received = new StringBuilder();
        var builder = WebApplication.CreateSlimBuilder();
        await using var collector = builder.Build();
        collector.Urls.Add("http://127.0.0.1:0");
        collector.MapPost("/v1/metrics", async (HttpRequest request) =>
        {
            using var body = new StreamReader(request.Body, Encoding.Latin1);
            var text = await body.ReadToEndAsync();
            lock (received) received.Append(text);
        });
        await collector.StartAsync();

        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, new Script(),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.Single()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        using (var channel = GrpcChannel.ForAddress(await host.Ready()))
            await Converse(channel);
        // What was measured last is sent before the process ends.
        host.Stop();
        Assert.Equal(0, await host.Exited());

        Assert.All(
            ["service.name", "r1grains", "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token", "r1grains.engine.requests.running", "orleans-", "dotnet.gc.collections"],
            name => Assert.Contains(name, received.ToString()));
        NamesNobody(received.ToString());
    }

    private static async Task Converse(GrpcChannel channel)
    {
        var conversation = await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(
            new() { Parent = "tenants/demo", ConversationId = "c4711", RequestId = "1" });
        using var call = new TurnService.TurnServiceClient(channel).StreamTurn(Talk.Turn(conversation.Name, "2", Words));
        Assert.Equal(Kind.Completed, (await call.Rest())[^1].EventCase);
    }

    /// <summary>Until a name is there: the customer may have the last word before it is measured.</summary>
    private static async Task<string> Scrape(HttpClient http, string address, string until)
    {
        using var patience = new CancellationTokenSource(HostProcess.Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(400));
        while (true)
        {
            var text = await http.GetStringAsync(address, patience.Token);
            if (text.Contains(until, StringComparison.Ordinal))
                return text;
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    private static List<string> Samples(string text, string name) =>
        [.. text.Split('\n').Where(line => line.StartsWith(name + '{', StringComparison.Ordinal) || line.StartsWith(name + ' ', StringComparison.Ordinal))];

    private static void NamesNobody(string text) =>
        Assert.All(["demo", "c4711", "salary"], word => Assert.DoesNotContain(word, text, StringComparison.OrdinalIgnoreCase));
}
