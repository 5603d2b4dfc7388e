using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Access;
using R1Grains.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>At each bound there is a name, a value, and when to come again.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task A_callers_rate_is_bounded_and_another_caller_does_not_notice()
    {
        await using var host = await EmbeddedHost.Start(settings: ["--R1:Limits:CallerRate=5"]);
        var (anna, bert) = (host.Bearer("demo", "anna", Permission.ReadConversations), host.Bearer("demo", "bert", Permission.ReadConversations));
        // Twice the rate at once, and perhaps what a second brings meanwhile.
        var refused = await Flood(host, anna, 30);
        Assert.InRange(refused.Count, 10, 20);
        AssertRefused(refused[0], "RATE_EXCEEDED", "caller", "5");
        await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" }, bert);

        await Task.Delay(refused[0].GetRpcStatus()!.GetDetail<RetryInfo>().RetryDelay.ToTimeSpan() + TimeSpan.FromMilliseconds(200), TimeProvider.System);
        await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" }, anna);
    }

    [Fact]
    public async Task A_tenants_rate_is_that_of_all_its_callers()
    {
        await using var host = await EmbeddedHost.Start(settings: ["--R1:Limits:TenantRate=5"]);
        await Flood(host, host.Bearer("demo", "anna", Permission.ReadConversations), 30);
        AssertRefused((await Flood(host, host.Bearer("demo", "bert", Permission.ReadConversations), 30))[0], "RATE_EXCEEDED", "tenant", "5");
        // Of another tenant it is missing, and not too many.
        var other = await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" }, host.Bearer("other", "anna", PermissionSet.All)));
        Assert.Equal(StatusCode.NotFound, other.StatusCode);
    }

    [Theory]
    [InlineData("Caller", "caller")]
    [InlineData("Tenant", "tenant")]
    public async Task Calls_at_the_same_time_are_bounded_streams_among_them(string setting, string scope)
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new() { Gate = gate }, settings: [$"--R1:Limits:{setting}Calls=2"]);
        var (one, two) = (await host.Open("one"), await host.Open("two"));
        using var first = host.Say(one, "1");
        using var second = host.Say(two, "1");
        await first.Next();
        await second.Next();
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => host.Open("three")), "CALLS_EXCEEDED", scope, "2");
        gate.Release(100_000);
        await first.Rest();
        await second.Rest();
        await host.Open("three");
    }

    [Fact]
    public async Task To_be_asked_again_while_one_watches_is_no_call()
    {
        await using var host = await EmbeddedHost.Start(settings: ["--R1:Limits:CallerRate=2"]);
        var conversation = await host.Open("c");
        // Each is asked once a second, which is more than the rate brings.
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ =>
        {
            using var watch = host.Conversations.WatchConversation(new() { Conversation = conversation });
            for (var signs = 0; signs < 5; signs++) Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        }));
    }

    [Fact]
    public async Task A_tenants_tokens_are_bounded_by_those_of_the_turns_that_have_ended()
    {
        await using var host = await EmbeddedHost.Start(settings: ["--R1:Limits:TenantTokens=600"]);
        var conversation = await host.Open("c");
        await host.Say(conversation, "1", new string('x', 600)).Rest();
        AssertRefused(await Assert.ThrowsAsync<RpcException>(() => host.Say(conversation, "2").Next()), "TOKENS_EXCEEDED", "tenant", "600");
        // Reading is no turn.
        Assert.Single((await host.Turns.ListTurnsAsync(new() { Parent = conversation })).Turns);
    }

    [Fact]
    public async Task A_turn_whose_client_left_is_counted_when_it_has_ended_and_one_that_is_replayed_not_again()
    {
        using var gate = new SemaphoreSlim(0);
        // So few that what flows back while the test runs is little beside a turn.
        await using var host = await EmbeddedHost.Start(new() { Gate = gate }, settings: ["--R1:Limits:TenantTokens=4000"]);
        var (limits, anna, words) = (host.App.Services.GetRequiredService<Limits>(), new Caller("demo", "dev", PermissionSet.All), new string('x', 1_000));
        var conversation = await host.Open("c");
        using (var left = host.Say(conversation, "1", words))
            Assert.NotNull((await left.Next()).Accepted);
        Assert.Equal(4_000, limits.Left(anna));
        gate.Release(100_000);
        for (var patience = Talk.Patience; limits.Left(anna) > 3_000 && patience > TimeSpan.Zero; patience -= TimeSpan.FromMilliseconds(20))
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        var counted = limits.Left(anna);
        var usage = (await host.Say(conversation, "1", words).Rest())[^1].Completed.Usage;
        var taken = usage.PromptTokens + usage.ReasoningTokens + usage.AnswerTokens;
        Assert.InRange(taken, 1_500, 3_900);
        Assert.InRange(counted, 4_000 - taken, 4_000 - taken / 2);
        Assert.InRange(limits.Left(anna), counted, 4_000);
    }

    [Fact]
    public async Task A_turn_whose_client_left_before_it_was_accepted_is_counted_once_whoever_attaches_to_it()
    {
        using var gate = new SemaphoreSlim(0);
        await using var host = await EmbeddedHost.Start(new() { Gate = gate }, settings: ["--R1:Limits:TenantTokens=9000"]);
        var (limits, anna, words) = (host.App.Services.GetRequiredService<Limits>(), new Caller("demo", "dev", PermissionSet.All), new string('x', 1_000));
        var conversation = await host.Open("c");
        using var first = host.Say(conversation, "1", words);
        Assert.NotNull((await first.Next()).Accepted);
        // It waits for the first, so that it is not accepted yet; which place is the next one says that it is there.
        using (host.Say(conversation, "2", words))
            await Queued(host, conversation, next: 3);
        using var again = host.Say(conversation, "2", words);
        gate.Release(100_000);
        var taken = Taken(await first.Rest());
        var second = Taken(await again.Rest());
        for (var patience = Talk.Patience; limits.Left(anna) > 9_000 - taken - second / 2 && patience > TimeSpan.Zero; patience -= TimeSpan.FromMilliseconds(20))
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        // What flows back while the test runs is little beside a turn.
        Assert.InRange(limits.Left(anna), 9_000 - taken - second, 9_000 - taken - second / 2);

        static int Taken(IReadOnlyList<TurnEvent> events) => events[^1].Completed.Usage is var usage ? usage.PromptTokens + usage.ReasoningTokens + usage.AnswerTokens : 0;
    }

    [Fact]
    public async Task A_message_that_unpacks_to_a_thousand_times_its_size_is_refused_in_bounded_memory()
    {
        using var data = new TemporaryFolder();
        // A process of its own: what it takes is not what the tests beside this one take.
        await using var host = HostProcess.Launch(data.Path, new Script());
        var address = await host.Ready();
        var bomb = Packed(900 << 20);
        Assert.InRange(bomb.Length, 1, 1 << 20);
        await Send(address, Packed(100));
        var before = host.PeakMemory();
        var answer = await Send(address, bomb);
        Assert.InRange(host.PeakMemory() - before, 0, 256 << 20);
        Assert.Equal(("3", "INPUT_TOO_LONG"), (answer.Status, answer.Reason));
        using var channel = GrpcChannel.ForAddress(address);
        var conversations = await new ConversationService.ConversationServiceClient(channel).ListConversationsAsync(new() { Parent = "tenants/demo" });
        Assert.Single(conversations.Conversations, conversation => conversation.Name.EndsWith("/packed", StringComparison.Ordinal));
    }

    /// <summary>Until the conversation's next turn has this number.</summary>
    private static async Task Queued(EmbeddedHost host, string conversation, int next)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (true)
        {
            var asked = new SendTurnRequest { Conversation = conversation, RequestId = "place", Input = new() { Text = "?" }, ExpectedTurnIndex = 99 };
            var refused = await Assert.ThrowsAsync<RpcException>(async () => await host.Turns.SendTurnAsync(asked, cancellationToken: patience.Token));
            if (refused.GetRpcStatus()!.GetDetail<ErrorInfo>().Metadata.Values.Contains($"{next}")) return;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        }
    }

    [Fact]
    public async Task A_message_that_ends_too_early_is_its_senders_mistake()
    {
        await using var host = await EmbeddedHost.Start();
        Assert.Equal(("3", "INVALID_ARGUMENT"), await Send(host.Address, Packed(zeros: 0), missing: 7));
    }

    /// <summary>A request to open a conversation, behind zeros that no field knows.</summary>
    private static byte[] Packed(int zeros)
    {
        var request = new CreateConversationRequest { Parent = "tenants/demo", RequestId = "packed", ConversationId = "packed" };
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            // Field 100, of bytes.
            gzip.Write([0xa2, 0x06]);
            for (var left = (uint)zeros; ; left >>= 7)
            {
                gzip.WriteByte((byte)(left < 0x80 ? left : left & 0x7f | 0x80));
                if (left < 0x80) break;
            }
            var chunk = new byte[1 << 20];
            for (var left = zeros; left > 0; left -= chunk.Length) gzip.Write(chunk.AsSpan(0, Math.Min(left, chunk.Length)));
            gzip.Write(Google.Protobuf.MessageExtensions.ToByteArray(request));
        }
        return packed.ToArray();
    }

    /// <param name="missing">So many bytes fewer come than were announced.</param>
    private static async Task<(string? Status, string? Reason)> Send(string address, byte[] packed, int missing = 0)
    {
        var framed = new byte[5 + packed.Length];
        framed[0] = 1;
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), packed.Length + missing);
        packed.CopyTo(framed, 5);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{address}/r1grains.v1.ConversationService/CreateConversation")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(framed),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Add("grpc-encoding", "gzip");
        request.Headers.Add("te", "trailers");
        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        return (Of("grpc-status"), Of("grpc-status-details-bin") is { } details ? Google.Rpc.Status.Parser.ParseFrom(Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '='))).GetDetail<ErrorInfo>().Reason : null);

        string? Of(string name) =>
            response.Headers.TryGetValues(name, out var values) || response.TrailingHeaders.TryGetValues(name, out values) ? values.Single() : null;
    }

    private static async Task<List<RpcException>> Flood(EmbeddedHost host, Metadata headers, int calls)
    {
        var refused = new List<RpcException>();
        for (var i = 0; i < calls; i++)
        {
            try
            {
                await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" }, headers);
            }
            catch (RpcException error)
            {
                refused.Add(error);
            }
        }
        return refused;
    }

    private static void AssertRefused(RpcException error, string reason, string scope, string limit)
    {
        var status = error.GetRpcStatus()!;
        var info = status.GetDetail<ErrorInfo>();
        Assert.Equal((StatusCode.ResourceExhausted, reason, scope, limit), (error.StatusCode, info.Reason, info.Metadata["scope"], info.Metadata["limit"]));
        Assert.True(status.GetDetail<RetryInfo>().RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        Assert.NotNull(error.Trailers.Get("grpc-retry-pushback-ms"));
        Assert.Equal("zh-CN", status.GetDetail<LocalizedMessage>().Locale);
    }
}
