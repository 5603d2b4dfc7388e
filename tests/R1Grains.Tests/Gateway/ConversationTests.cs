using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.V1;
using Kind = R1Grains.V1.TurnEvent.EventOneofCase;

namespace R1Grains.Tests.Gateway;

public sealed class ConversationTests
{
    [Fact]
    public async Task Who_the_customer_is_is_masked_and_shown_to_who_may_lift_masks_and_says_why()
    {
        await using var host = await EmbeddedHost.Start();
        var wanted = new Conversation { Customer = "tel 13812345678", Agent = "anna", Labels = { ["callback"] = "13812345678" } };
        var created = await host.Conversations.CreateConversationAsync(new() { Parent = "tenants/demo", RequestId = "1", Conversation = wanted });
        Assert.Equal(wanted.Customer, created.Customer);
        var reader = host.Bearer("demo", "reader", Permission.ReadConversations);
        foreach (var shown in new[] { await host.Conversations.GetConversationAsync(new() { Name = created.Name }, reader), (await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" }, reader)).Conversations.Single() })
        {
            Assert.Equal("anna", shown.Agent);
            Assert.DoesNotContain("13812345678", shown.Customer, StringComparison.Ordinal);
            Assert.DoesNotContain("13812345678", shown.Labels["callback"], StringComparison.Ordinal);
        }
        var lifted = new GetConversationRequest { Name = created.Name, LiftMasks = true, Purpose = "callback" };
        var denied = await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.GetConversationAsync(lifted, reader));
        Assert.Equal(StatusCode.PermissionDenied, denied.StatusCode);
        var lifter = host.Bearer("demo", "lifter", Permission.ReadConversations, Permission.LiftMasks);
        Assert.Equal("MISSING_PURPOSE", (await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.GetConversationAsync(new(lifted) { Purpose = "" }, lifter))).GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>().Reason);
        Assert.Equal(wanted.Customer, (await host.Conversations.GetConversationAsync(lifted, lifter)).Customer);
        var events = (await host.Transcripts.ListAuditEventsAsync(new() { Parent = "tenants/demo", Purpose = "test", Action = "masks.lift" })).Events;
        Assert.Equal(("lifter", created.Name, "callback"), events.Select(happened => (happened.Actor, happened.Resource, happened.Purpose)).Single());
    }

    [Fact]
    public async Task A_conversation_keeps_what_it_was_opened_with()
    {
        await using var host = await EmbeddedHost.Start();
        var asked = new Conversation
        {
            Channel = "app",
            Customer = "k-17",
            Agent = "li",
            LanguageCode = "en",
            Labels = { ["b"] = "2", ["a"] = "1" },
            IdleTimeout = Duration.FromTimeSpan(TimeSpan.FromHours(1)),
        };
        var opened = await host.Conversations.CreateConversationAsync(new() { Parent = "tenants/demo", ConversationId = "c-1", RequestId = "1", Conversation = asked });
        Assert.Equal("tenants/demo/conversations/c-1", opened.Name);
        Assert.Equal(Conversation.Types.State.Active, opened.State);
        Assert.Equal((asked.Channel, asked.Customer, asked.Agent, asked.LanguageCode, asked.Labels, asked.IdleTimeout), (opened.Channel, opened.Customer, opened.Agent, opened.LanguageCode, opened.Labels, opened.IdleTimeout));
        Assert.Equal(opened, await host.Conversations.GetConversationAsync(new() { Name = opened.Name }));
        Assert.Equal(opened, Assert.Single((await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" })).Conversations));

        var completed = await host.Conversations.CompleteConversationAsync(new() { Name = opened.Name, RequestId = "end" });
        Assert.Equal(Conversation.Types.State.Completed, completed.State);
        Assert.NotNull(completed.CompleteTime);
        Assert.Equal(completed, await host.Conversations.CompleteConversationAsync(new() { Name = opened.Name, RequestId = "end" }));
        Assert.Equal(completed, Assert.Single((await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" })).Conversations));
    }

    [Fact]
    public async Task A_retried_creation_comes_to_the_same_conversation_even_if_the_server_chose_its_name()
    {
        await using var host = await EmbeddedHost.Start();
        var request = new CreateConversationRequest { Parent = "tenants/demo", RequestId = "1" };
        var first = await host.Conversations.CreateConversationAsync(request);
        Assert.Equal(first, await host.Conversations.CreateConversationAsync(request));
        Assert.NotEqual(first.Name, (await host.Conversations.CreateConversationAsync(new(request) { RequestId = "2" })).Name);
        Assert.NotEqual(first.Name, (await host.Conversations.CreateConversationAsync(request, host.Bearer("demo", "ben", PermissionSet.All))).Name);
        Assert.Equal(3, (await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo" })).Conversations.Count);
    }

    [Fact]
    public async Task Conversations_are_listed_by_tenant_in_the_order_of_creation_page_by_page()
    {
        using var tenants = Tenants("demo", "other");
        await using var host = await EmbeddedHost.Start(settings: $"--R1:Tenants={tenants.Path}");
        string[] ids = ["d", "a", "c", "b", "e"];
        foreach (var id in ids)
            await host.Open(id);
        await host.Conversations.CreateConversationAsync(new() { Parent = "tenants/other", RequestId = "1" }, host.Bearer("other", "zoe", PermissionSet.All));

        var pages = new List<ListConversationsResponse>();
        do
            pages.Add(await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo", PageSize = 2, PageToken = pages.LastOrDefault()?.NextPageToken ?? "" }));
        while (pages[^1].NextPageToken.Length > 0);
        Assert.Equal(ids.Select(id => $"tenants/demo/conversations/{id}"), pages.SelectMany(page => page.Conversations).Select(c => c.Name));
    }

    [Fact]
    public async Task A_foreign_tenant_a_missing_one_and_one_that_is_not_served_get_the_same_answer_byte_for_byte()
    {
        using var tenants = Tenants("demo", "other");
        await using var host = await EmbeddedHost.Start(settings: $"--R1:Tenants={tenants.Path}");
        var answers = new List<Google.Rpc.Status>();
        foreach (var (parent, caller) in new[] { ("other", "demo"), ("gone", "demo"), ("gone", "gone") })
            answers.Add((await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.CreateConversationAsync(
                new() { Parent = $"tenants/{parent}", RequestId = "1" }, host.Bearer(caller, "zoe", PermissionSet.All)))).GetRpcStatus()!);
        Assert.Equal("TENANT_NOT_FOUND", answers[0].GetDetail<Google.Rpc.ErrorInfo>().Reason);
        Assert.All(answers, answer => Assert.Equal(answers[0].ToByteArray(), answer.ToByteArray()));
    }

    [Fact]
    public async Task A_list_of_large_conversations_is_cut_to_what_clients_take()
    {
        await using var host = await EmbeddedHost.Start();
        var large = new Conversation();
        for (var i = 0; i < 64; i++)
            large.Labels.Add(new string((char)('一' + i), 256), new string('长', 256));
        for (var i = 0; i < 50; i++)
            await host.Conversations.CreateConversationAsync(new() { Parent = "tenants/demo", ConversationId = $"c{i:00}", RequestId = $"{i}", Conversation = large });

        var pages = new List<ListConversationsResponse>();
        do
            pages.Add(await host.Conversations.ListConversationsAsync(new() { Parent = "tenants/demo", PageToken = pages.LastOrDefault()?.NextPageToken ?? "" }));
        while (pages[^1].NextPageToken.Length > 0);

        Assert.Equal([11, 11, 11, 11, 6], pages.Select(page => page.Conversations.Count));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"tenants/demo/conversations/c{i:00}"), pages.SelectMany(page => page.Conversations).Select(c => c.Name));
    }

    [Fact]
    public async Task A_watch_sees_every_turn_of_others_and_ends_with_the_conversation()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        using var watch = host.Conversations.WatchConversation(new() { Conversation = conversation });
        await watch.ResponseHeadersAsync.WaitAsync(Talk.Patience);

        var said = new[] { await host.Say(conversation, "1", "one").Rest(), await host.Say(conversation, "2", "two").Rest() };
        await host.Conversations.CompleteConversationAsync(new() { Name = conversation, RequestId = "end" });

        var watched = (await watch.Rest()).Where(e => e.Event.EventCase is not Kind.Heartbeat).ToArray();
        foreach (var (events, index) in said.Select((events, i) => (events, i + 1)))
        {
            var seen = watched.Where(e => e.Turn == $"{conversation}/turns/{index}").Select(e => e.Event).ToArray();
            Assert.Equal(events.Text(), seen.Text());
            Assert.Contains(seen, e => e.EventCase is Kind.Accepted);
            Assert.Equal(Kind.Completed, seen[^1].EventCase);
        }
    }

    [Fact]
    public async Task A_watch_ends_when_the_process_stops()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        using var watch = host.Conversations.WatchConversation(new() { Conversation = conversation });
        await watch.ResponseHeadersAsync.WaitAsync(Talk.Patience);
        var stopping = host.App.StopAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => watch.Rest());
        Assert.Equal("NODE_DRAINING", error.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>().Reason);
        await stopping.WaitAsync(Talk.Patience);
    }

    [Fact]
    public async Task The_context_window_names_dropped_turns_without_their_texts()
    {
        await using var host = await EmbeddedHost.Start(new(Answer: "ok"));
        var conversation = await host.Open();
        for (var i = 1; i <= 5; i++)
            await host.Say(conversation, $"{i}", new string('x', 3_000)).Rest();

        var window = await host.Conversations.GetContextWindowAsync(new() { Conversation = conversation });

        Assert.Equal(5, window.Turns.Count);
        Assert.InRange(window.Report.TurnsDropped, 1, 4);
        Assert.All(window.Turns, turn => Assert.True(turn.Tokens > 3_000));
        var kept = window.Turns.ToLookup(turn => turn.Disposition is ContextWindow.Types.Entry.Types.Disposition.Kept);
        Assert.Equal(window.Report.TurnsDropped, kept[false].Count());
        Assert.All(kept[false], turn => Assert.Equal(("", ""), (turn.Input, turn.Answer)));
        Assert.All(kept[true], turn => Assert.Equal((3_000, "ok"), (turn.Input.Length, turn.Answer)));
    }

    [Fact]
    public async Task The_context_window_shows_texts_to_those_who_may_read_transcripts_and_numbers_to_others()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = await host.Open();
        await host.Say(conversation, "1", "first").Rest();
        await host.Say(conversation, "2", "second").Rest();

        var full = await host.Conversations.GetContextWindowAsync(new() { Conversation = conversation });
        Assert.Equal([("first", "You said: first"), ("second", "You said: second")], full.Turns.Select(t => (t.Input, t.Answer)));
        Assert.All(full.Turns, turn => Assert.Equal(ContextWindow.Types.Entry.Types.Disposition.Kept, turn.Disposition));
        Assert.NotEmpty(full.Policy);

        var bare = await host.Conversations.GetContextWindowAsync(
            new() { Conversation = conversation }, host.Bearer("demo", "ben", Permission.ReadContextWindows));
        Assert.Equal(full.Report, bare.Report);
        Assert.Equal(full.Turns.Select(t => (t.Turn, t.Tokens)), bare.Turns.Select(t => (t.Turn, t.Tokens)));
        Assert.All(bare.Turns, turn => Assert.Equal(("", ""), (turn.Input, turn.Answer)));
        Assert.Empty(bare.Policy);
    }

    /// <summary>The shipped tenant under other names.</summary>
    private static TemporaryFolder Tenants(params string[] names)
    {
        var folder = new TemporaryFolder();
        foreach (var name in names)
        {
            var tenant = Directory.CreateDirectory(Path.Combine(folder.Path, name));
            foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "deploy", "tenants", "demo")))
                File.Copy(file, Path.Combine(tenant.FullName, Path.GetFileName(file)));
        }
        return folder;
    }
}
