using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Ledger.Keys;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>What clients and auditors see of a conversation whose key is destroyed.</summary>
public sealed class ErasedConversationTests
{
    [Fact]
    public async Task An_erased_conversation_shows_its_bones_and_says_so_to_whoever_would_go_on_in_it()
    {
        await using var host = await EmbeddedHost.Start();
        var open = new CreateConversationRequest { Parent = "tenants/demo", ConversationId = "c1", RequestId = "open", Conversation = new() { Channel = "desk", Customer = "customers/42", Agent = "anna", LanguageCode = "en", Labels = { ["phone"] = "13812345678" } } };
        var conversation = (await host.Conversations.CreateConversationAsync(open)).Name;
        await host.Say(conversation, "1", "我是13812345678").Rest();
        var before = await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/1" });
        Assert.False(before.Erased);

        var keys = host.App.Services.GetRequiredService<KeyRing>();
        var subject = (await keys.SubjectsAsync("demo", "customers/42")).Single();
        await keys.DestroyAsync("demo", [new(subject.Hash, DataKeyId.PeriodOf(before.CreateTime.ToDateTimeOffset()), 1)]);

        var turn = await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/1" });
        Assert.Equal((true, "", "", before.State, before.Completed.Receipt), (turn.Erased, turn.Input.Text, turn.Output, turn.State, turn.Completed.Receipt));
        Assert.Equal(turn, Assert.Single((await host.Turns.ListTurnsAsync(new() { Parent = conversation })).Turns));
        Assert.Equal((true, "", 0, "desk"), Assert.Single((await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" })).Conversations) is var listed ? (listed.Erased, listed.Customer, listed.Labels.Count(label => label.Value.Length > 0), listed.Channel) : default);
        var transcript = await host.Transcripts.GetTranscriptAsync(new() { Name = conversation, View = TranscriptView.Reasoning, Purpose = "what is left" });
        Assert.Equal((true, true, "", ""), (transcript.Conversation.Erased, transcript.Turns[0].Turn.Erased, transcript.Turns[0].Reasoning, transcript.Turns[0].Turn.Input.Text));

        foreach (var call in (Func<Task>[])
        [
            () => host.Say(conversation, "2", "Hello").Rest(),
            async () => await host.Turns.SendTurnAsync(new() { Conversation = conversation, RequestId = "1", Input = new() { Text = "我是13812345678" } }),
            () => host.Turns.ResumeTurn(new() { Turn = $"{conversation}/turns/1" }).Rest(),
            () => host.Transcripts.ReplayTurn(new() { Turn = $"{conversation}/turns/1" }).Rest(),
        ])
        {
            var refused = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal((StatusCode.FailedPrecondition, "CONVERSATION_ERASED"), (refused.StatusCode, refused.GetRpcStatus()!.GetDetail<ErrorInfo>().Reason));
            Assert.DoesNotContain("138", refused.ToString(), StringComparison.Ordinal);
        }
        Assert.True((await host.Conversations.CreateConversationAsync(open)).Erased);
        Assert.Equal(Conversation.Types.State.Completed, (await host.Conversations.CompleteConversationAsync(new() { Name = conversation, RequestId = "end" })).State);
        // Who comes back begins anew.
        Assert.False((await host.Conversations.CreateConversationAsync(new(open) { ConversationId = "c2", RequestId = "again" })).Erased);
    }
}
