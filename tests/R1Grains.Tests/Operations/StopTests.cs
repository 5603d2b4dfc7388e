using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1;
using R1Grains.Ledger;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace R1Grains.Tests.Operations;

public sealed class StopTests
{
    [Fact]
    public async Task Watchers_are_told_and_do_not_hold_up_the_end_of_the_process()
    {
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, new Script());
        using var channel = GrpcChannel.ForAddress(await host.Ready());
        using var known = new Health.HealthClient(channel).Watch(new());
        using var unknown = new Health.HealthClient(channel).Watch(new() { Service = "nobody" });
        using var reflection = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await reflection.RequestStream.WriteAsync(new() { ListServices = "" });
        Assert.True(await reflection.ResponseStream.MoveNext(default));
        Assert.Equal(Serving.Serving, (await known.Next()).Status);
        Assert.Equal(Serving.ServiceUnknown, (await unknown.Next()).Status);

        var began = TimeProvider.System.GetTimestamp();
        host.Stop();

        Assert.Equal([Serving.NotServing], (await known.Rest()).Select(response => response.Status));
        Assert.Empty(await unknown.Rest());
        Assert.Equal(0, await host.Exited());
        // Else it waits for them for 40 s.
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task A_running_turn_is_finished_before_the_process_ends()
    {
        var script = new Script(Answer: "A slow answer, long enough to be interrupted in the middle, were it not waited for.", TokensPerSecond: 40);
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path, script);
        using var channel = GrpcChannel.ForAddress(await host.Ready());
        var conversation = await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(new() { Parent = "tenants/demo", RequestId = "1" });
        using var call = new TurnService.TurnServiceClient(channel).StreamTurn(Talk.Turn(conversation.Name, "1"));
        while ((await call.Next()).EventCase is not Kind.TextDelta)
        {
        }
        var begun = call.ResponseStream.Current.TextDelta;

        host.Stop();

        var rest = await call.Rest();
        Assert.Equal(Kind.Completed, rest[^1].EventCase);
        Assert.Equal(script.Answer, begun + rest.Text());
        Assert.Equal(0, await host.Exited());
    }

    [Fact]
    public async Task A_running_turn_is_finished_though_its_client_has_left()
    {
        var script = new Script(Answer: "A slow answer, long enough to be interrupted in the middle, were it not waited for.", TokensPerSecond: 40);
        using var folder = new TemporaryFolder();
        await using (var host = HostProcess.Launch(folder.Path, script))
        {
            await BeginAndLeave(await host.Ready());
            host.Stop();
            Assert.Equal(0, await host.Exited());
        }

        await using var record = await SqliteRecord.OpenAsync(folder.Path);
        var turn = Assert.Single((await record.ListTurnsAsync(new("demo", "c"), 10)).Items);
        Assert.Equal(script.Answer, turn.Closed?.Answer);
    }

    [Fact]
    public async Task What_runs_longer_than_the_time_for_it_is_cut_off_with_advice_and_stays_open_in_the_record()
    {
        using var folder = new TemporaryFolder();
        await using (var host = HostProcess.Launch(folder.Path, new Script(Answer: new string('x', 4_000), TokensPerSecond: 40), ("R1__ShutdownTimeout", "00:00:01")))
        {
            using var channel = GrpcChannel.ForAddress(await host.Ready());
            using var call = await Begin(channel);
            host.Stop();
            var cut = await Assert.ThrowsAsync<RpcException>(call.Rest);
            Assert.Equal(StatusCode.Unavailable, cut.StatusCode);
            Assert.Equal(0, await host.Exited());
        }

        await using var record = await SqliteRecord.OpenAsync(folder.Path);
        Assert.Null(Assert.Single((await record.ListTurnsAsync(new("demo", "c"), 10)).Items).Closed);
    }

    private static async Task BeginAndLeave(string address)
    {
        using var channel = GrpcChannel.ForAddress(address);
        using var call = await Begin(channel);
    }

    /// <summary>A turn of which something has been heard.</summary>
    private static async Task<AsyncServerStreamingCall<TurnEvent>> Begin(GrpcChannel channel)
    {
        var conversation = await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(new() { Parent = "tenants/demo", ConversationId = "c", RequestId = "1" });
        var call = new TurnService.TurnServiceClient(channel).StreamTurn(Talk.Turn(conversation.Name, "1"));
        while ((await call.Next()).EventCase is not Kind.TextDelta)
        {
        }
        return call;
    }
}
