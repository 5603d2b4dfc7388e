using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Action = R1Grains.V1.WordListEntry.Types.Action;
using Outcome = R1Grains.V1.TestTextResponse.Types.Outcome;
using Proposal = R1Grains.V1.Proposal;
using Scope = R1Grains.V1.WordListEntry.Types.Scope;

namespace R1Grains.Tests.Gateway;

/// <summary>Compliance officers write, try and publish words; supervisors decide about what waits for them.</summary>
public sealed class GuardrailTests
{
    private const string Demo = "tenants/demo";

    [Fact]
    public async Task A_list_is_made_changed_with_its_etag_and_deleted_and_each_retry_is_one_change()
    {
        await using var host = await EmbeddedHost.Start();
        var guardrail = host.Guardrail;
        var create = new CreateWordListRequest { Parent = Demo, WordListId = "names", RequestId = "1", WordList = new() { Title = "Names", Entries = { Entry("Acme Bank", Action.Mask) } } };
        var made = await guardrail.CreateWordListAsync(create);
        Assert.Equal(($"{Demo}/wordLists/names", "Names", 1, "dev"), (made.Name, made.Title, made.EntryCount, made.Updater));
        Assert.Equal(made, await guardrail.CreateWordListAsync(create));
        Assert.Equal("REQUEST_ID_REUSED", await Reason(() => guardrail.CreateWordListAsync(new(create) { WordList = new() { Title = "Other" } })));
        Assert.Equal("WORD_LIST_EXISTS", await Reason(() => guardrail.CreateWordListAsync(new(create) { RequestId = "2" })));

        var update = new UpdateWordListRequest
        {
            Name = made.Name,
            RequestId = "3",
            WordList = new()
            {
                Title = "More names", Etag = made.Etag,
                Entries = { new WordListEntry { Term = "甲乙", Category = "names", Level = 9, Action = Action.Review, Scope = Scope.Input, ValidFrom = "2026-01-01", ValidUntil = "2026-12-31" }, Entry("丙丁", Action.Allow) },
            },
        };
        var changed = await guardrail.UpdateWordListAsync(update);
        Assert.NotEqual(made.Etag, changed.Etag);
        Assert.Equal(update.WordList.Entries.ToHashSet(), changed.Entries.ToHashSet());
        Assert.Equal(changed, await guardrail.UpdateWordListAsync(update));
        Assert.Equal("ETAG_MISMATCH", await Reason(() => guardrail.UpdateWordListAsync(new(update) { RequestId = "4" })));
        Assert.Equal("ETAG_MISMATCH", await Reason(() => guardrail.DeleteWordListAsync(new() { Name = made.Name, Etag = made.Etag, RequestId = "5" })));
        Assert.Equal(changed, await guardrail.GetWordListAsync(new() { Name = made.Name }));

        var delete = new DeleteWordListRequest { Name = made.Name, Etag = changed.Etag, RequestId = "6" };
        await guardrail.DeleteWordListAsync(delete);
        await guardrail.DeleteWordListAsync(delete);
        Assert.Equal("WORD_LIST_NOT_FOUND", await Reason(() => guardrail.GetWordListAsync(new() { Name = made.Name })));
        Assert.Equal("WORD_LIST_NOT_FOUND", await Reason(() => guardrail.DeleteWordListAsync(new(delete) { RequestId = "7" })));
        Assert.Empty((await guardrail.ListWordListsAsync(new() { Parent = Demo })).WordLists);
        Assert.Equal(made.Title, (await guardrail.CreateWordListAsync(new(create) { RequestId = "8" })).Title);

        var entries = await host.App.Services.GetRequiredService<IRegistry>().ListEntriesAsync("demo", 100);
        Assert.Equal(["word-list.create", "word-list.update", "word-list.delete", "word-list.create"], entries.Items.Select(entry => entry.Record.Action));
        Assert.All(entries.Items, entry => Assert.Equal(("dev", made.Name), (entry.Record.Actor, entry.Record.Resource)));
    }

    [Fact]
    public async Task Lists_come_page_by_page_without_their_entries()
    {
        await using var host = await EmbeddedHost.Start();
        for (var i = 0; i < 5; i++) await Create(host, $"l{i}", Entry($"word {i}", Action.Mask));
        var pages = new List<ListWordListsResponse>();
        do pages.Add(await host.Guardrail.ListWordListsAsync(new() { Parent = Demo, PageSize = 2, PageToken = pages.LastOrDefault()?.NextPageToken ?? "" }));
        while (pages[^1].NextPageToken.Length > 0);
        Assert.Equal(Enumerable.Range(0, 5).Select(i => $"{Demo}/wordLists/l{i}"), pages.SelectMany(page => page.WordLists).Select(list => list.Name));
        Assert.All(pages.SelectMany(page => page.WordLists), list => Assert.Equal((0, 1), (list.Entries.Count, list.EntryCount)));
        Assert.Equal("INVALID_PAGE_TOKEN", await Reason(() => host.Guardrail.ListWordListsAsync(new() { Parent = Demo, PageToken = "x" })));
    }

    [Fact]
    public async Task An_entry_that_cannot_be_one_is_named()
    {
        await using var host = await EmbeddedHost.Start();
        (string Field, Action<WordListEntry> Spoil)[] cases =
        [
            ("word_list.entries[1].level", entry => entry.Level = 10),
            ("word_list.entries[1].action", entry => entry.Action = Action.Unspecified),
            ("word_list.entries[1].valid_from", entry => entry.ValidFrom = "1.1.2026"),
            ("word_list.entries[1]", entry => entry.Term = "!!!"),
            ("word_list.entries[1]", entry => entry.Term = ""),
            ("word_list.entries[1]", entry => entry.Term = "a | b"),
            ("word_list.entries[1]", entry => (entry.Term, entry.ValidFrom) = ("a |", "2026-01-01")),
            ("word_list.entries[1].valid_until", entry => (entry.ValidFrom, entry.ValidUntil) = ("2026-02-01", "2026-01-31")),
            ("word_list.entries[1]", entry => entry.Term = string.Concat(Enumerable.Range(0, 61).Select(i => (char)('一' + i)))),
            ("word_list.entries[1]", entry => entry.Term = $"word{new string('\u200b', 100_000)}"),
            ("word_list.entries[1]", entry => entry.Category = "two words"),
            ("word_list.entries[1].category", entry => entry.Category = new string('x', 65)),
        ];
        foreach (var (field, spoil) in cases)
        {
            var entry = Entry("word", Action.Mask);
            spoil(entry);
            var error = await Assert.ThrowsAsync<RpcException>(() => Create(host, "l", Entry("good", Action.Mask), entry));
            Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
            Assert.Equal(field, Assert.Single(error.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations).Field);
        }
    }

    [Fact]
    public async Task A_text_is_tried_on_what_is_in_force_and_on_drafts()
    {
        await using var host = await EmbeddedHost.Start();
        var guardrail = host.Guardrail;
        var inForce = await guardrail.TestTextAsync(new() { Parent = Demo, Text = "本产品穩賺 不赔！", Scope = Scope.Output });
        Assert.Equal((Outcome.Replaced, "本产品\n抱歉，这个问题我无法回答，请联系人工客服。", ""), (inForce.Outcome, inForce.Shown, inForce.Edition));
        var hit = Assert.Single(inForce.Hits);
        Assert.Equal((3, 8, "稳赚不赔", "guaranteed-returns", Action.Replace, Scope.Output), (hit.Start, hit.End, hit.Entry.Term, hit.Entry.Category, hit.Entry.Action, hit.Entry.Scope));
        Assert.StartsWith("本产品稳赚 不赔", inForce.NormalForm, StringComparison.Ordinal);
        Assert.Equal(Outcome.Passes, (await guardrail.TestTextAsync(new() { Parent = Demo, Text = "稳赚不赔", Scope = Scope.Input })).Outcome);

        await Create(host, "a", Entry("acme", Action.Mask), Entry("稳赚不赔", Action.Allow));
        await Create(host, "b", Entry("goose", Action.Review), new WordListEntry { Term = "later", Category = "test", Level = 1, Action = Action.Block, ValidFrom = "2099-01-01" });
        const string Text = "An acme goose, later 稳赚不赔";
        Assert.Equal(Outcome.Passes, (await Try("", "An acme goose, later", Scope.Input)).Outcome);
        Assert.Equal((Outcome.Masked, "An **** goose, later 稳赚不赔"), Essence(await Try($"{Demo}/wordLists/a", Text, Scope.Output)));
        Assert.Equal((Outcome.Held, "An **** \nA member of our staff will look at this and reply to you here."), Essence(await Try($"{Demo}/wordLists/-", Text, Scope.Output)));
        Assert.Equal((Outcome.Held, "A member of our staff will look at this and reply to you here."), Essence(await Try($"{Demo}/wordLists/-", Text, Scope.Input)));
        Assert.Equal(Outcome.Blocked, (await Try($"{Demo}/wordLists/-", Text, Scope.Input, "2099-01-01")).Outcome);
        Assert.Equal("WORD_LIST_NOT_FOUND", await Reason(() => guardrail.TestTextAsync(new() { Parent = Demo, Text = "x", Scope = Scope.Input, Candidate = $"{Demo}/wordLists/c" })));
        Assert.Equal("WORD_LIST_NOT_FOUND", await Reason(() => guardrail.TestTextAsync(new() { Parent = Demo, Text = "x", Scope = Scope.Input, Candidate = "tenants/other/wordLists/a" })));
        Assert.Equal("INVALID_ARGUMENT", await Reason(() => guardrail.TestTextAsync(new() { Parent = Demo, Text = "x", Scope = Scope.Both })));

        async Task<TestTextResponse> Try(string candidate, string text, Scope scope, string day = "") =>
            await guardrail.TestTextAsync(new() { Parent = Demo, Text = text, Scope = scope, Candidate = candidate, Day = day, LanguageCode = "en" });

        static (Outcome, string) Essence(TestTextResponse tried) => (tried.Outcome, tried.Shown);
    }

    [Fact]
    public async Task What_is_larger_than_a_message_is_proposed_and_read_in_pages()
    {
        await using var host = await EmbeddedHost.Start();
        var guardrail = host.Guardrail;
        const int lists = 5, each = 7_500;
        for (var list = 0; list < lists; list++)
            await Create(host, $"list-{list}", [.. Enumerable.Range(list * each, each).Select(i => Large($"one of many promises without any risk, the {i:D6}"))]);
        var (anna, ben) = (host.Bearer("demo", "anna", Permission.ManageGuardrails), host.Bearer("demo", "ben", Permission.ApproveGuardrails));
        var proposal = await guardrail.ProposeEditionAsync(new() { Parent = Demo, Purpose = "many", RequestId = "1" }, anna);
        Assert.Equal(lists * each, proposal.EntryCount);
        var proposed = proposal.Entries.ToList();
        while (proposal.NextPageToken.Length > 0)
        {
            proposal = await guardrail.GetProposalAsync(new() { Name = proposal.Name, PageToken = proposal.NextPageToken }, anna);
            proposed.AddRange(proposal.Entries);
        }
        Assert.Equal(lists * each, proposed.Select(entry => entry.Term).Distinct().Count());
        await guardrail.ApproveProposalAsync(new() { Name = proposal.Name, Hash = proposal.Hash, RequestId = "2", Purpose = "seen" }, ben);
        var (read, bytes, request) = (new List<WordListEntry>(), 0, new GetEditionRequest { Name = proposal.Edition });
        do
        {
            var edition = await guardrail.GetEditionAsync(request, ben);
            read.AddRange(edition.Entries);
            bytes += edition.CalculateSize();
            request.PageToken = edition.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(proposed, read);
        Assert.InRange(bytes, 4 << 20, int.MaxValue);
        var small = await guardrail.GetEditionAsync(new() { Name = proposal.Edition, PageSize = 3 }, ben);
        Assert.Equal(proposed.Take(3), small.Entries);
        Assert.Equal("INVALID_PAGE_TOKEN", await Reason(() => guardrail.GetEditionAsync(new() { Name = proposal.Edition, PageToken = small.NextPageToken }, anna)));
    }

    [Fact]
    public async Task Two_people_publish_one_of_them_cannot_and_an_earlier_edition_comes_back_the_same_way()
    {
        await using var host = await EmbeddedHost.Start();
        var guardrail = host.Guardrail;
        var (anna, ben) = (host.Bearer("demo", "anna", Permission.ManageGuardrails, Permission.ApproveGuardrails), host.Bearer("demo", "ben", Permission.ApproveGuardrails));
        var list = await Create(host, "names", Entry("new word", Action.Mask));
        var propose = new ProposeEditionRequest { Parent = Demo, Purpose = "names", RequestId = "1" };
        var first = await guardrail.ProposeEditionAsync(propose, anna);
        Assert.Equal((Proposal.Types.State.Pending, "anna", 1, 1, 0, $"{Demo}/lexiconEditions/1"), (first.State, first.Proposer, first.EntryCount, first.AddedCount, first.RemovedCount, first.Edition));
        Assert.Equal(first, await guardrail.ProposeEditionAsync(propose, anna));
        var rival = await guardrail.ProposeEditionAsync(new(propose) { RequestId = "2" }, anna);
        Assert.Equal(Outcome.Masked, (await guardrail.TestTextAsync(new() { Parent = Demo, Text = "a new word", Scope = Scope.Output, Candidate = first.Name })).Outcome);

        // What is approved is what was proposed, whatever becomes of the list.
        await guardrail.UpdateWordListAsync(new() { Name = list.Name, RequestId = "u", WordList = new() { Etag = list.Etag, Entries = { Entry("another word", Action.Mask) } } });
        var approve = new ApproveProposalRequest { Name = first.Name, Hash = first.Hash, RequestId = "3", Purpose = "seen" };
        Assert.Equal("ANOTHER_PERSON_NEEDED", await Reason(() => guardrail.ApproveProposalAsync(approve, anna)));
        Assert.Equal("INVALID_ARGUMENT", await Reason(() => guardrail.ApproveProposalAsync(new(approve) { Hash = rival.Hash + "0" }, ben)));
        Assert.Equal("PERMISSION_DENIED", await Reason(() => guardrail.ProposeEditionAsync(propose, ben)));
        var approved = await guardrail.ApproveProposalAsync(approve, ben);
        Assert.Equal((Proposal.Types.State.Approved, "ben"), (approved.State, approved.Decider));
        Assert.Equal(approved, await guardrail.ApproveProposalAsync(approve, ben));
        Assert.Equal("PROPOSAL_OUTDATED", await Reason(() => guardrail.ApproveProposalAsync(new(approve) { Name = rival.Name, Hash = rival.Hash }, ben)));
        Assert.Equal(Proposal.Types.State.Rejected, (await guardrail.RejectProposalAsync(new() { Name = rival.Name, RequestId = "4" }, ben)).State);
        Assert.Equal("PROPOSAL_DECIDED", await Reason(() => guardrail.RejectProposalAsync(new() { Name = first.Name, RequestId = "5" }, ben)));
        await InForce(host, 1, "a new word", "a ********");

        var second = await guardrail.ProposeEditionAsync(new() { Parent = Demo, RequestId = "6" }, anna);
        Assert.Equal((1, 1), (second.AddedCount, second.RemovedCount));
        await guardrail.ApproveProposalAsync(new() { Name = second.Name, Hash = second.Hash, RequestId = "7" }, ben);
        await InForce(host, 2, "a new word", "a new word");

        var back = await guardrail.ProposeEditionAsync(new() { Parent = Demo, Edition = first.Edition, RequestId = "8" }, anna);
        await guardrail.ApproveProposalAsync(new() { Name = back.Name, Hash = back.Hash, RequestId = "9" }, ben);
        await InForce(host, 3, "a new word", "a ********");

        var editions = (await guardrail.ListEditionsAsync(new() { Parent = Demo }, ben)).Editions;
        Assert.Equal([(1, false), (2, false), (3, true)], editions.Select((edition, i) => (i + 1, edition.InForce)));
        Assert.Equal((editions[0].Hash, "anna", "ben"), (editions[2].Hash, editions[2].Proposer, editions[2].Approver));
        Assert.Equal("new word", Assert.Single((await guardrail.GetEditionAsync(new() { Name = editions[2].Name })).Entries).Term);
        Assert.Equal("EDITION_NOT_FOUND", await Reason(() => guardrail.GetEditionAsync(new() { Name = $"{Demo}/lexiconEditions/9" })));
        Assert.Equal(4, (await guardrail.ListProposalsAsync(new() { Parent = Demo }, ben)).Proposals.Count);

        var actions = (await host.App.Services.GetRequiredService<IRegistry>().ListEntriesAsync("demo", 100)).Items.Select(entry => (entry.Record.Action, entry.Record.Actor)).ToList();
        Assert.Equal(3, actions.Count(action => action == ("lexicon.publish.approve", "ben")));
        Assert.True((await RecordVerifier.VerifyAsync(host.Data)).Valid);
    }

    [Fact]
    public async Task Supervisors_see_what_waits_and_the_customer_sees_what_they_decide()
    {
        await using var host = await EmbeddedHost.Start(new(Reasoning: "hm", Answer: "An acme goose says {words}."));
        var guardrail = host.Guardrail;
        await Publish(host, Entry("goose", Action.Review, Scope.Output), Entry("delicate", Action.Review, Scope.Input));
        var sue = host.Bearer("demo", "sue", Permission.ReviewTurns);
        var conversation = await host.Open("c");
        using var watch = host.Conversations.WatchConversation(new() { Conversation = conversation });
        await watch.Next();

        var answer = await host.Say(conversation, "1", "hello").Rest();
        Assert.Equal(Completed.Types.FinishReason.Review, answer[^1].Completed.FinishReason);
        await host.Say(conversation, "2", "a delicate question").Rest();
        Assert.Equal(Turn.Types.State.HeldForReview, (await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/2" })).State);

        Assert.Equal("PERMISSION_DENIED", await Reason(() => guardrail.ListHeldTurnsAsync(new() { Parent = Demo }, host.Bearer("demo", "eve", Permission.ManageGuardrails))));
        var waiting = (await guardrail.ListHeldTurnsAsync(new() { Parent = Demo }, sue)).HeldTurns;
        Assert.Equal([($"{conversation}/turns/1", Scope.Output, ""), ($"{conversation}/turns/2", Scope.Input, "")], waiting.Select(turn => (turn.Turn, turn.Scope, turn.Input)));
        var held = await guardrail.GetHeldTurnAsync(new() { Turn = waiting[0].Turn }, sue);
        Assert.Equal(("hello", "An acme goose says hello.", HeldTurn.Types.State.Held), (held.Input, held.HeldAnswer, held.State));

        var release = new ReleaseHeldTurnRequest { Turn = held.Turn, Purpose = "harmless", RequestId = "r" };
        var released = await guardrail.ReleaseHeldTurnAsync(release, sue);
        Assert.Equal((HeldTurn.Types.State.Released, "sue", "harmless", $"{conversation}/turns/3"), (released.State, released.Decider, released.Purpose, released.DecisionTurn));
        Assert.Equal(released, await guardrail.ReleaseHeldTurnAsync(release, sue));
        Assert.Equal("HELD_TURN_DECIDED", await Reason(() => guardrail.DiscardHeldTurnAsync(new() { Turn = held.Turn, RequestId = "d" }, sue)));
        Assert.Equal("An acme goose says hello.", await Told(3));

        var discarded = await guardrail.DiscardHeldTurnAsync(new() { Turn = waiting[1].Turn, RequestId = "d" }, sue);
        Assert.Equal((HeldTurn.Types.State.Discarded, $"{conversation}/turns/4"), (discarded.State, discarded.DecisionTurn));
        Assert.StartsWith("Our staff have looked at this", await Told(4), StringComparison.Ordinal);
        Assert.Empty((await guardrail.ListHeldTurnsAsync(new() { Parent = Demo }, sue)).HeldTurns);
        Assert.Equal(2, (await guardrail.ListHeldTurnsAsync(new() { Parent = Demo, Decided = true }, sue)).HeldTurns.Count);
        var turns = (await host.Turns.ListTurnsAsync(new() { Parent = conversation })).Turns;
        Assert.Equal([Turn.Types.State.HeldForReview, Turn.Types.State.HeldForReview, Turn.Types.State.Completed, Turn.Types.State.Blocked], turns.Select(turn => turn.State));
        Assert.Equal("release of turn 1", turns[2].RequestId);
        Assert.Equal("HELD_TURN_NOT_FOUND", await Reason(() => guardrail.ReleaseHeldTurnAsync(new() { Turn = turns[2].Name, RequestId = "x" }, sue)));

        var actions = (await host.App.Services.GetRequiredService<IRegistry>().ListEntriesAsync("demo", 100)).Items.Where(entry => entry.Record.Action.StartsWith("turn.", StringComparison.Ordinal)).Select(entry => (entry.Record.Action, entry.Record.Actor));
        Assert.Equal([("turn.hold", "guardrail"), ("turn.hold", "guardrail"), ("turn.release", "sue"), ("turn.tell", "guardrail"), ("turn.discard", "sue"), ("turn.tell", "guardrail")], actions);
        Assert.True((await RecordVerifier.VerifyAsync(host.Data)).Valid);

        // As it is watched.
        async Task<string> Told(int turn)
        {
            var text = "";
            while (await watch.Next() is var happened && !(happened.Turn == $"{conversation}/turns/{turn}" && happened.Event.Completed is not null))
                if (happened.Turn == $"{conversation}/turns/{turn}") text += happened.Event.TextDelta;
            return text;
        }
    }

    [Fact]
    public async Task A_completed_conversation_is_told_nothing_more_and_its_held_turn_can_be_discarded()
    {
        await using var host = await EmbeddedHost.Start();
        await Publish(host, Entry("delicate", Action.Review, Scope.Input));
        var conversation = await host.Open("c");
        await host.Say(conversation, "1", "a delicate question").Rest();
        await host.Conversations.CompleteConversationAsync(new() { Name = conversation, RequestId = "end" });
        Assert.Equal("CONVERSATION_COMPLETED", await Reason(() => host.Guardrail.ReleaseHeldTurnAsync(new() { Turn = $"{conversation}/turns/1", RequestId = "r" })));
        var discarded = await host.Guardrail.DiscardHeldTurnAsync(new() { Turn = $"{conversation}/turns/1", RequestId = "d" });
        Assert.Equal((HeldTurn.Types.State.Discarded, ""), (discarded.State, discarded.DecisionTurn));
        Assert.Single((await host.Turns.ListTurnsAsync(new() { Parent = conversation })).Turns);
    }

    private static WordListEntry Entry(string term, Action action, Scope scope = Scope.Both) => new() { Term = term, Category = "test", Level = 5, Action = action, Scope = scope };

    private static WordListEntry Large(string term) => new() { Term = term, Category = new string('c', 60), Level = 5, Action = Action.Mask, Scope = Scope.Both };

    private static async Task<WordList> Create(EmbeddedHost host, string id, params WordListEntry[] entries) =>
        await host.Guardrail.CreateWordListAsync(new() { Parent = Demo, WordListId = id, RequestId = $"create-{id}", WordList = new() { Entries = { entries } } });

    private static async Task Publish(EmbeddedHost host, params WordListEntry[] entries)
    {
        await Create(host, "published", entries);
        var proposal = await host.Guardrail.ProposeEditionAsync(new() { Parent = Demo, RequestId = "propose" });
        await host.Guardrail.ApproveProposalAsync(new() { Name = proposal.Name, Hash = proposal.Hash, RequestId = "approve" }, host.Bearer("demo", "ben", Permission.ApproveGuardrails));
        await InForce(host, 1, "-", "-");
    }

    /// <summary>Waits for the edition, as long as it may take.</summary>
    private static async Task InForce(EmbeddedHost host, int edition, string text, string shown)
    {
        using var impatience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        while (true)
        {
            var tried = await host.Guardrail.TestTextAsync(new() { Parent = Demo, Text = text, Scope = Scope.Output }, cancellationToken: impatience.Token);
            if (tried.Edition == $"{Demo}/lexiconEditions/{edition}")
            {
                Assert.Equal(shown, tried.Shown);
                return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, impatience.Token);
        }
    }

    private static async Task<string> Reason<T>(Func<AsyncUnaryCall<T>> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call())).GetRpcStatus()!.GetDetail<ErrorInfo>().Reason;
}
