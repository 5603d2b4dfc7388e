using System.Text.Json.Nodes;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

public sealed class ServiceConfigTests
{
    [Fact]
    public async Task The_published_policy_retries_where_a_bare_client_fails()
    {
        await using var host = await EmbeddedHost.Start();
        var request = new ListConversationsRequest { Parent = "tenants/demo" };

        await using var bareProxy = new CuttingProxy(host.Address, cuts: 2);
        using var bare = GrpcChannel.ForAddress(bareProxy.Address);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await new ConversationService.ConversationServiceClient(bare).ListConversationsAsync(request));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);

        await using var proxy = new CuttingProxy(host.Address, cuts: 2);
        using var channel = GrpcChannel.ForAddress(proxy.Address, new() { ServiceConfig = Published() });
        await new ConversationService.ConversationServiceClient(channel).ListConversationsAsync(request);
        Assert.Equal(2, proxy.Cut);
    }

    [Fact]
    public void The_published_policy_covers_every_method_because_every_change_carries_a_request_id()
    {
        var covered = Published().MethodConfigs.SelectMany(method => method.Names).Select(name => name.Service).ToHashSet();
        foreach (var method in ContractWalk.Methods)
        {
            Assert.Contains(method.Service.FullName, covered);
            Assert.True(
                method.Name.StartsWith("Get", StringComparison.Ordinal) || method.Name.StartsWith("List", StringComparison.Ordinal)
                || method.Name is "SearchTranscripts" or "WatchConversation" or "ResumeTurn" or "ReplayTurn" or "TestPermissions" or "TestText" or "DownloadExport" or "VerifyLedger" || method.InputType.FindFieldByName("request_id") is not null,
                $"{method.FullName} changes something without a request_id: it must not be retried");
        }
    }

    private static ServiceConfig Published()
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "protos", "r1grains", "v1", "service_config.json")))!;
        var config = new ServiceConfig();
        foreach (var entry in json["methodConfig"]!.AsArray())
        {
            var retry = entry!["retryPolicy"]!;
            var method = new MethodConfig
            {
                RetryPolicy = new()
                {
                    MaxAttempts = (int)retry["maxAttempts"]!,
                    InitialBackoff = Seconds(retry["initialBackoff"]!),
                    MaxBackoff = Seconds(retry["maxBackoff"]!),
                    BackoffMultiplier = (double)retry["backoffMultiplier"]!,
                },
            };
            foreach (var code in retry["retryableStatusCodes"]!.AsArray())
                method.RetryPolicy.RetryableStatusCodes.Add(Enum.Parse<StatusCode>((string)code!, ignoreCase: true));
            foreach (var name in entry["name"]!.AsArray())
                method.Names.Add(new() { Service = (string?)name!["service"], Method = (string?)name["method"] });
            config.MethodConfigs.Add(method);
        }
        return config;

        static TimeSpan Seconds(JsonNode text) => TimeSpan.FromSeconds(double.Parse(((string)text!).TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture));
    }
}
