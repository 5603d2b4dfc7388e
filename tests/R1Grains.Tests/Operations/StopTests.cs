using Grpc.Net.Client;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Operations;

public sealed class StopTests
{
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
}
