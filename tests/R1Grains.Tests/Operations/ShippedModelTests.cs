using Grpc.Net.Client;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Operations;

/// <summary>The program as it ships, with the model and the tenant that ship, does the main job.</summary>
public sealed class ShippedModelTests
{
    [Theory]
    [InlineData("zh", "青穗信用卡的年费是多少？", "180元", "那补卡费呢？", "15元")]
    [InlineData("en", "What is the annual fee of the Greenear Credit Card?", "180 yuan", "And the replacement fee?", "15 yuan")]
    public async Task It_answers_from_the_documents_of_its_tenant_and_remembers_the_product(string language, string first, string figure, string then, string next)
    {
        using var folder = new TemporaryFolder();
        await using var host = HostProcess.Launch(folder.Path);
        using var channel = GrpcChannel.ForAddress(await host.Ready());
        var conversation = await new ConversationService.ConversationServiceClient(channel).CreateConversationAsync(
            new() { Parent = "tenants/demo", RequestId = "1", Conversation = new() { LanguageCode = language } });
        var turns = new TurnService.TurnServiceClient(channel);

        foreach (var (question, expected) in new[] { (first, figure), (then, next) })
        {
            using var call = turns.StreamTurn(Talk.Turn(conversation.Name, Guid.NewGuid().ToString(), question));
            var events = await call.Rest();
            Assert.Equal(Kind.Completed, events[^1].EventCase);
            Assert.Equal(Completed.Types.FinishReason.Stop, events[^1].Completed.FinishReason);
            Assert.Contains(expected, events.Text(), StringComparison.Ordinal);
        }
    }
}
