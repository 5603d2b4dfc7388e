using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using LexiconHit = R1Grains.V1.LexiconHit;

namespace R1Grains.Tests.Gateway;

/// <summary>Auditors search and read, and are recorded.</summary>
public sealed class TranscriptTests : IAsyncLifetime
{
    private const string Demo = "tenants/demo";

    private EmbeddedHost _host = null!;
    private Metadata _ursula = null!;
    private int _said;

    public async Task InitializeAsync()
    {
        _host = await EmbeddedHost.Start(new Script(Reasoning: "hm", Answer: "答复：{words}"));
        _ursula = _host.Appointed("demo", "ursula", "auditor");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_turn_is_found_by_its_words_and_by_whatever_else_is_known_of_it()
    {
        var (first, second) = (await Open("c1", customer: "customers/42", agent: "anna"), await Open("c2", customer: "customers/43"));
        await Say(first, "信用卡年费是多少", "What is the late fee?");
        await Say(second, "保证收益吗，我要内幕消息", "提前还款");
        await Indexed(4);

        foreach (var (query, turns) in ((string, string[])[])
        [
            ("", ["c2/2", "c2/1", "c1/2", "c1/1"]),
            ("款", ["c2/2"]),
            ("年费", ["c1/1"]),
            ("信用卡年费", ["c1/1"]),
            ("年費", ["c1/1"]),
            ("LATE", ["c1/2"]),
            ("\"late fee\"", ["c1/2"]),
            ("fee late", ["c1/2"]),
            ("lat*", ["c1/2"]),
            ("lat", []),
            ("答复", ["c2/2", "c1/2", "c1/1"]),
            ("答复 年费", ["c1/1"]),
            ("利率", []),
        ])
        {
            Assert.Equal((query, string.Join(' ', turns)), (query, string.Join(' ', await Find(new() { Query = query }))));
        }
        var now = TimeProvider.System.GetUtcNow();
        var ends = (await _host.Transcripts.SearchTranscriptsAsync(Search(new()), _ursula)).Matches.Select(match => match.EndTime).ToList();
        var model = (await _host.Turns.GetTurnAsync(new() { Name = $"{first}/turns/1" })).Completed.Release;
        var hit = Assert.Single((await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Filter = new() { Hits = new() } }), _ursula)).Matches).Hits[0];
        foreach (var (filter, turns) in ((TranscriptFilter, string[])[])
        [
            (new() { Customer = "customers/42" }, ["c1/2", "c1/1"]),
            (new() { Customer = "customers/4" }, []),
            (new() { Agent = "anna" }, ["c1/2", "c1/1"]),
            (new() { Channel = "desk" }, ["c2/2", "c2/1", "c1/2", "c1/1"]),
            (new() { Model = model.Model, Customer = "customers/43" }, ["c2/2", "c2/1"]),
            (new() { Model = model.ModelHash, Customer = "customers/43" }, ["c2/2", "c2/1"]),
            (new() { Model = "another" }, []),
            (new() { States = { Turn.Types.State.Blocked, Turn.Types.State.Failed } }, ["c2/1"]),
            (new() { Hits = new() }, ["c2/1"]),
            (new() { Hits = new() { Category = hit.Category, Action = hit.Action, Place = hit.Place, LevelMin = hit.Level } }, ["c2/1"]),
            (new() { Hits = new() { Action = hit.Action, LevelMin = hit.Level } }, ["c2/1"]),
            (new() { Hits = new() { Action = LexiconHit.Types.Action.Mask } }, []),
            (new() { Hits = new() { Place = LexiconHit.Types.Place.Reasoning } }, []),
            (new() { Hits = new() { LevelMin = 9, Category = "none" } }, []),
            (new() { StartTime = ends[1] }, ["c2/2", "c2/1"]),
            (new() { EndTime = ends[1] }, ["c1/2", "c1/1"]),
            (new() { StartTime = now.AddHours(1).ToTimestamp() }, []),
        ])
        {
            Assert.Equal((filter, string.Join(' ', turns)), (filter, string.Join(' ', await Find(new() { Filter = filter }))));
        }
        var match = Assert.Single((await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Query = "年费" }), _ursula)).Matches);
        Assert.Equal(("信用卡年费是多少", new Excerpt.Types.Span { Start = 3, End = 5 }), (match.Question.Text, Assert.Single(match.Question.Words)));
        Assert.Equal(("答复：信用卡年费是多少", 6), (match.Answer.Text, Assert.Single(match.Answer.Words).Start));
        Assert.Equal(("customers/42", "anna", Turn.Types.State.Completed, model.ModelHash), (match.Customer, match.Agent, match.State, match.Release.ModelHash));
    }

    [Fact]
    public async Task What_is_masked_cannot_be_found_and_is_not_shown()
    {
        var conversation = await Open("c1", customer: "13812345678", agent: "a@b.cn");
        await Say(conversation, "我的卡号是4111 1111 1111 1111，谢谢");
        await Indexed(1);
        Assert.Empty(await Find(new() { Query = "4111" }));
        Assert.Equal(["c1/1"], await Find(new() { Query = "1111" }));
        Assert.Equal(["c1/1"], await Find(new() { Filter = new() { Customer = "13812345678" } }));
        var found = Assert.Single((await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Query = "卡号" }), _ursula)).Matches);
        Assert.Equal(("我的卡号是**** **** **** 1111，谢谢", "138****5678", "*@b.cn"), (found.Question.Text, found.Customer, found.Agent));

        var shown = await _host.Transcripts.GetTranscriptAsync(new() { Name = conversation, Purpose = "sample" }, _ursula);
        Assert.Equal(("138****5678", "*@b.cn", "138****5678"), (shown.Conversation.Customer, shown.Conversation.Agent, shown.Conversation.Labels["phone"]));
        Assert.DoesNotContain("4111", shown.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("12345678", shown.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_hold_each_turn_once_while_others_end_and_a_token_is_of_its_question()
    {
        var conversation = await Open("c1");
        await Say(conversation, "一", "二", "三", "四", "五");
        await Indexed(5);
        var request = Search(new() { Query = "答复", PageSize = 2 });
        var first = await _host.Transcripts.SearchTranscriptsAsync(request, _ursula);
        await Say(conversation, "六");
        await Indexed(6);
        var second = await _host.Transcripts.SearchTranscriptsAsync(new(request) { PageToken = first.NextPageToken }, _ursula);
        var third = await _host.Transcripts.SearchTranscriptsAsync(new(request) { PageToken = second.NextPageToken, PageSize = 100 }, _ursula);
        Assert.Equal(["c1/5", "c1/4", "c1/3", "c1/2", "c1/1"], first.Matches.Concat(second.Matches).Concat(third.Matches).Select(Short));
        Assert.Equal("", third.NextPageToken);
        Assert.Equal("INVALID_PAGE_TOKEN", await Reason(() => _host.Transcripts.SearchTranscriptsAsync(new(request) { Query = "其他", PageToken = first.NextPageToken }, _ursula)));
        Assert.Equal("INVALID_PAGE_TOKEN", await Reason(() => _host.Transcripts.SearchTranscriptsAsync(new(request) { PageToken = first.NextPageToken }, _host.Appointed("demo", "urs", "auditor"))));
    }

    [Fact]
    public async Task A_search_is_recorded_with_whom_it_showed_and_without_what_was_looked_for()
    {
        var conversation = await Open("c1", customer: "customers/42");
        await Say(conversation, "信用卡年费是多少");
        await Indexed(1);
        var before = (await Events()).Count;
        await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Query = "年费", Filter = new() { Customer = "customers/42", Channel = "desk" } }), _ursula);
        await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Query = "利率" }), _ursula);
        var (found, empty) = ((await Events())[before], (await Events())[before + 1]);
        Assert.Equal(("ursula", "transcript.search", Demo, "sample"), (found.Actor, found.Action, found.Resource, found.Purpose));
        Assert.Equal(["query", "customer", "channel", "turn"], found.Details.Select(detail => detail.Name));
        Assert.Equal(("desk", $"{conversation}/turns/1"), (found.Details[2].Value, found.Details[3].Value));
        Assert.Equal(["query"], empty.Details.Select(detail => detail.Name));
        Assert.All(found.Details.Take(2), detail => Assert.Matches("^[0-9a-f]{32}$", detail.Value));
        // What is the same is known to be the same.
        await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Query = "年费" }), _ursula);
        Assert.Equal(found.Details[0], (await Events())[^1].Details[0]);
        Assert.NotEqual(found.Details[0], empty.Details[0]);
    }

    [Fact]
    public async Task A_transcript_shows_what_the_view_allows_and_each_view_asks_its_permission()
    {
        var conversation = await Open("c1", customer: "13812345678");
        await Say(conversation, "我是13812345678，青穗信用卡的年费是多少？");
        foreach (var (role, view, allowed) in ((string, TranscriptView, bool)[])
        [
            ("auditor", TranscriptView.Unspecified, true), ("auditor", TranscriptView.Redacted, true), ("auditor", TranscriptView.Full, false), ("auditor", TranscriptView.Reasoning, false),
            ("auditor-full", TranscriptView.Redacted, true), ("auditor-full", TranscriptView.Full, true), ("auditor-full", TranscriptView.Reasoning, true),
            ("supervisor", TranscriptView.Redacted, true), ("supervisor", TranscriptView.Full, false), ("agent", TranscriptView.Redacted, false),
        ])
        {
            var request = new GetTranscriptRequest { Name = conversation, View = view, Purpose = "complaint" };
            if (!allowed)
            {
                Assert.Equal("PERMISSION_DENIED", await Reason(() => _host.Transcripts.GetTranscriptAsync(request, _host.Appointed("demo", role, role))));
                Assert.Equal(view is TranscriptView.Redacted ? "read_redacted" : "read_full", (await Events())[^1].Details.Single(detail => detail.Name == "permission").Value);
                continue;
            }
            var shown = await _host.Transcripts.GetTranscriptAsync(request, _host.Appointed("demo", role, role));
            var turn = Assert.Single(shown.Turns);
            var isWhole = view is TranscriptView.Full or TranscriptView.Reasoning;
            Assert.Equal(isWhole ? "13812345678" : "138****5678", shown.Conversation.Customer);
            Assert.Equal(isWhole ? "我是13812345678，青穗信用卡的年费是多少？" : "我是138****5678，青穗信用卡的年费是多少？", turn.Turn.Input.Text);
            Assert.StartsWith("答复：我是138****5678，青穗信用卡的年费是多少？", turn.Turn.Output, StringComparison.Ordinal);
            Assert.Equal(view is TranscriptView.Reasoning ? "hm" : "", turn.Reasoning);
            Assert.NotEmpty(turn.Passages);
            Assert.All(turn.Passages, passage => Assert.Equal((isWhole, true), (passage.Text.Length > 0, passage.Source.Length > 0 && passage.Revision.Length > 0)));
            Assert.Equal(("mobile_number", 2, 13), (turn.PersonalData[0].Kind, turn.PersonalData[0].Start, turn.PersonalData[0].End));
            Assert.Equal((turn.Turn.Completed.Receipt, "dev"), (turn.ClosedReceipt, turn.Caller));
            Assert.Equal(64, turn.PolicyHash.Length);
            var read = (await Events())[^1];
            Assert.Equal((role, "transcript.read", conversation, "complaint", "1-1"), (read.Actor, read.Action, read.Resource, read.Purpose, read.Details[1].Value));
            Assert.Equal(isWhole ? $"{view}" : "Redacted", read.Details[0].Value);
        }
        Assert.Equal("INVALID_ARGUMENT", await Reason(() => _host.Transcripts.GetTranscriptAsync(new() { Name = conversation, View = (TranscriptView)9, Purpose = "x" })));
    }

    [Fact]
    public async Task A_long_transcript_comes_in_pages_of_one_view()
    {
        var conversation = await Open("c1");
        await Say(conversation, "一", "二", "三");
        var request = new GetTranscriptRequest { Name = conversation, Purpose = "sample", PageSize = 2 };
        var first = await _host.Transcripts.GetTranscriptAsync(request);
        var second = await _host.Transcripts.GetTranscriptAsync(new(request) { PageToken = first.NextPageToken });
        Assert.Equal([1, 2, 3], first.Turns.Concat(second.Turns).Select(turn => turn.Turn.Index));
        Assert.Equal("", second.NextPageToken);
        Assert.Equal("INVALID_PAGE_TOKEN", await Reason(() => _host.Transcripts.GetTranscriptAsync(new(request) { View = TranscriptView.Full, PageToken = first.NextPageToken })));
        Assert.Equal("CONVERSATION_NOT_FOUND", await Reason(() => _host.Transcripts.GetTranscriptAsync(new(request) { Name = $"{Demo}/conversations/none" })));
    }

    [Fact]
    public async Task Whoever_has_read_a_conversation_is_found_by_it_the_latest_first()
    {
        var (conversation, other) = (await Open("c1"), await Open("c2"));
        await Say(conversation, "年费");
        await Say(other, "利率");
        await Indexed(2);
        var frank = _host.Appointed("demo", "frank", "auditor-full");
        var start = TimeProvider.System.GetUtcNow().ToTimestamp();
        await _host.Transcripts.GetTranscriptAsync(new() { Name = conversation, Purpose = "complaint" }, _ursula);
        await _host.Transcripts.GetTranscriptAsync(new() { Name = other, Purpose = "complaint" }, _ursula);
        await _host.Transcripts.SearchTranscriptsAsync(Search(new() { Query = "年费" }), frank);
        await Assert.ThrowsAsync<RpcException>(async () => await _host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/1" }, _ursula));

        foreach (var (request, expected) in ((ListAuditEventsRequest, string[])[])
        [
            (new() { Resource = conversation, StartTime = start }, ["ursula access.denied", "frank transcript.search", "ursula transcript.read"]),
            (new() { Resource = conversation, StartTime = start, Action = "transcript" }, ["frank transcript.search", "ursula transcript.read"]),
            (new() { StartTime = start, Action = "transcript.read" }, ["ursula transcript.read", "ursula transcript.read"]),
            (new() { StartTime = start, Action = "trans" }, []),
            (new() { StartTime = start, Actor = "frank" }, ["frank transcript.search"]),
            (new() { EndTime = start, Action = "transcript.read" }, []),
        ])
        {
            var listed = await _host.Transcripts.ListAuditEventsAsync(new(request) { Parent = Demo, Purpose = "access review" }, frank);
            Assert.Equal((request, string.Join(", ", expected)), (request, string.Join(", ", listed.Events.Where(happened => happened.Action != "audit.list").Select(happened => $"{happened.Actor} {happened.Action}"))));
        }

        var all = (await _host.Registry.ListEntriesAsync("demo", 1_000)).Items;
        var (pages, token) = (new List<AuditEvent>(), "");
        do
        {
            var page = await _host.Transcripts.ListAuditEventsAsync(new() { Parent = Demo, Purpose = "all of it", PageSize = 3, PageToken = token }, frank);
            pages.AddRange(page.Events);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal(all.Select(entry => (entry.Index, entry.Leaf.ToString())).Reverse(), pages.Select(happened => (happened.Index, happened.LeafHash)));
        Assert.Equal(("audit.list", "frank", "all of it"), (await Events())[^1] is var last ? (last.Action, last.Actor, last.Purpose) : default);
        Assert.True((await RecordVerifier.VerifyAsync(_host.Data)).Valid);
    }

    [Fact]
    public async Task An_index_that_is_built_anew_finds_the_same()
    {
        var conversation = await Open("c1");
        await Say(conversation, "年费", "利率");
        await Indexed(2);
        var olga = _host.Appointed("other", "olga", "operator");
        await _host.Tenants.RebuildSearchIndexAsync(new() { Name = Demo, RequestId = "1", Purpose = "moved" }, olga);
        await Indexed(2);
        Assert.Equal(["c1/1"], await Find(new() { Query = "年费" }));
        var index = await _host.Tenants.GetSearchIndexAsync(new() { Name = Demo }, olga);
        Assert.True(index.IndexedLeaves <= index.TreeLeaves && index.IndexedLeaves > 0);
        Assert.Contains(await Events(), record => (record.Action, record.Actor, record.Purpose) == ("search.rebuild", "tenants/other/subjects/olga", "moved"));
        Assert.Equal("TENANT_NOT_FOUND", await Reason(() => _host.Tenants.RebuildSearchIndexAsync(new() { Name = "tenants/nobody", RequestId = "1" }, olga)));
    }

    private async Task<string> Open(string id, string customer = "", string agent = "") =>
        (await _host.Conversations.CreateConversationAsync(new()
        {
            Parent = Demo,
            ConversationId = id,
            RequestId = $"open-{id}",
            Conversation = new() { Channel = "desk", Customer = customer, Agent = agent, Labels = { ["phone"] = customer } },
        })).Name;

    private async Task Say(string conversation, params string[] words)
    {
        foreach (var text in words)
            await _host.Say(conversation, $"{++_said}", text).Rest();
    }

    private static SearchTranscriptsRequest Search(SearchTranscriptsRequest request) => new(request) { Parent = Demo, Purpose = "sample" };

    private async Task<IReadOnlyList<string>> Find(SearchTranscriptsRequest request) =>
        [.. (await _host.Transcripts.SearchTranscriptsAsync(Search(request), _ursula)).Matches.Select(Short)];

    /// <summary>c1/1</summary>
    private static string Short(TranscriptMatch match) => match.Turn[$"{Demo}/conversations/".Length..].Replace("/turns", "", StringComparison.Ordinal);

    /// <summary>Returns when so many turns are found.</summary>
    private async Task Indexed(int turns)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while ((await _host.Transcripts.SearchTranscriptsAsync(Search(new()), _ursula, cancellationToken: patience.Token)).Matches.Count < turns)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
    }

    private async Task<List<AdministrativeRecord>> Events() => [.. (await _host.Registry.ListEntriesAsync("demo", 1_000)).Items.Select(entry => entry.Record)];

    private static async Task<string?> Reason<T>(Func<AsyncUnaryCall<T>> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call())).GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
}
