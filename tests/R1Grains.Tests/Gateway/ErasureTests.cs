using System.Security.Cryptography;
using System.Text;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Ledger;
using R1Grains.Ledger.Retention;
using R1Grains.Ledger.Tree;
using R1Grains.Tests.Scripted;
using R1Grains.V1;
using Erasure = R1Grains.V1.Erasure;
using State = R1Grains.V1.Erasure.Types.State;

namespace R1Grains.Tests.Gateway;

/// <summary>A customer's words go, and what is left says so.</summary>
public sealed class ErasureTests
{
    private const string Demo = "tenants/demo";
    private const string NothingIsKept = "--R1:Retention:Minimum=0";

    [Fact]
    public async Task What_one_asks_and_another_approves_is_erased_certified_and_still_verifies()
    {
        await using var host = await EmbeddedHost.Start(settings: NothingIsKept);
        var (mine, second, other) = (await Open(host, "c1"), await Open(host, "c2"), await Open(host, "c3", "customers/43"));
        foreach (var conversation in (string[])[mine, second, other])
            await host.Say(conversation, "1", "红树林里的白鹭").Rest();
        await Indexed(host, 3);
        var keys = host.App.Services.GetRequiredService<Ledger.Keys.KeyRing>();
        var subject = (await keys.SubjectsAsync("demo", "customers/42")).Single().Hash;
        await host.Registry.ChangeAsync(
            new() { Tenant = "demo", Time = TimeProvider.System.GetUtcNow(), Actor = "frank", Action = "export.create", Resource = Demo },
            [new(ExportedCustomers.Kind, ExportedCustomers.IdOf(subject, "e1"), 0, [1])]);

        var (steve, xenia) = (host.Appointed("demo", "steve", "supervisor"), host.Appointed("demo", "xenia", "security-officer"));
        var request = new RequestErasureRequest { Parent = Demo, RequestId = "1", Purpose = "request 77", Customer = "customers/42" };
        var asked = await host.Transcripts.RequestErasureAsync(request, steve);
        Assert.Equal((State.Requested, "steve", "request 77"), (asked.State, asked.RequestedBy, asked.Purpose));
        Assert.Equal(asked, await host.Transcripts.RequestErasureAsync(request, steve));
        Assert.Equal("REQUEST_ID_REUSED", await Reason(() => host.Transcripts.RequestErasureAsync(new(request) { Customer = "customers/43" }, steve)));
        var approve = new ApproveErasureRequest { Name = asked.Name, RequestId = "2", Purpose = "looked at", Hash = asked.Hash };
        Assert.Equal("INVALID_ARGUMENT", await Reason(() => host.Transcripts.ApproveErasureAsync(new(approve) { Hash = new('0', 64) }, xenia)));
        Assert.Equal("ANOTHER_PERSON_NEEDED", await Reason(() => host.Transcripts.ApproveErasureAsync(approve, host.Appointed("demo", "steve", "security-officer"))));
        Assert.Equal(State.Restricted, (await host.Transcripts.ApproveErasureAsync(approve, xenia)).State);

        var erased = await Until(host, asked.Name, State.Erased);
        Assert.Equal((1, 2, 2L, $"{Demo}/exports/e1"), (erased.Keys, erased.ConversationCount, erased.Turns, Assert.Single(erased.Exports)));
        Assert.Equal([mine, second], erased.Conversations.Order());
        foreach (var gone in (string[])[mine, second])
            Assert.Equal((true, ""), await host.Turns.GetTurnAsync(new() { Name = $"{gone}/turns/1" }) is var turn ? (turn.Erased, turn.Output) : default);
        Assert.Contains("白鹭", (await host.Turns.GetTurnAsync(new() { Name = $"{other}/turns/1" })).Output, StringComparison.Ordinal);
        Assert.Equal([$"{other}/turns/1"], (await host.Transcripts.SearchTranscriptsAsync(new() { Parent = Demo, Purpose = "sample", Query = "白鹭" })).Matches.Select(match => match.Turn));

        // The certificate is a record of the tenant, and whoever has the public key can check it.
        var record = (await host.Registry.ListEntriesAsync("demo", 1_000)).Items.Select(entry => entry.Record).Single(record => record.Action == ErasureCertificate.Action);
        Assert.Equal(erased.Certificate, record.Details.Single(detail => detail.Name == ErasureCertificate.Detail).Value);
        using var key = NoteKey.FromPem(await File.ReadAllTextAsync(Path.Combine(host.Data, SqliteRecord.KeyFileName + ".pub")));
        Assert.True(key.Signed(SignedNote.Parse(erased.Certificate), "r1grains/demo"));
        Assert.StartsWith($"r1grains/demo\nerasure\n{asked.Name}\nof {asked.Covers}\n", erased.Certificate, StringComparison.Ordinal);
        Assert.Contains($"\nexports 1 {Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes($"{Demo}/exports/e1\n")))}\n", erased.Certificate, StringComparison.Ordinal);
        var report = await RecordVerifier.VerifyAsync(host.Data, [key], keys);
        Assert.Equal((null, 2), (report.FirstBad, report.Erased));

        Assert.Equal("NOTHING_TO_ERASE", await Reason(() => host.Transcripts.RequestErasureAsync(new(request) { RequestId = "9" }, steve)));
        // Who comes back begins anew, within a second or so.
        string? again = null;
        for (var tries = 0; again is null; tries++)
        {
            Assert.InRange(tries, 0, 100);
            try
            {
                again = await Open(host, "c4");
            }
            catch (RpcException restricted) when (restricted.GetRpcStatus()!.GetDetail<ErrorInfo>().Reason == "CUSTOMER_RESTRICTED")
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
        await host.Say(again, "1", "again").Rest();
        Assert.False((await host.Turns.GetTurnAsync(new() { Name = $"{again}/turns/1" })).Erased);
    }

    [Fact]
    public async Task A_hold_or_the_minimum_time_forbids_it_and_says_which_and_until_when()
    {
        await using var host = await EmbeddedHost.Start(settings: ["--R1:Retention:Minimum=0", "--R1:Retention:Channels:advice:Minimum=2y", "--R1:Retention:Tenants:other:Minimum=9y", "--R1:Retention:Tenants:other:Maximum=0"]);
        await host.Say(await Open(host, "c1", channel: "advice"), "1").Rest();
        await host.Say(await Open(host, "c2", "customers/43"), "1").Rest();
        var (steve, xenia) = (host.Appointed("demo", "steve", "supervisor"), host.Appointed("demo", "xenia", "security-officer"));
        var advice = new RequestErasureRequest { Parent = Demo, RequestId = "1", Purpose = "request", Customer = "customers/42" };
        var kept = await Refused(() => host.Transcripts.RequestErasureAsync(advice, steve));
        Assert.Equal(("RETENTION_RUNNING", "advice"), (kept.Reason, kept.Metadata["channel"]));
        Assert.Equal(TimeProvider.System.GetUtcNow().AddYears(2).Date, DateTimeOffset.Parse(kept.Metadata["until"], null).UtcDateTime.Date);

        var chat = new RequestErasureRequest { Parent = Demo, RequestId = "2", Purpose = "request", Customer = "customers/43" };
        var hold = await host.Transcripts.PlaceLegalHoldAsync(new() { Parent = Demo, RequestId = "3", Purpose = "case 7", Customer = "customers/43" }, xenia);
        var held = await Refused(() => host.Transcripts.RequestErasureAsync(chat, steve));
        Assert.Equal(("LEGAL_HOLD_IN_FORCE", hold.Name), (held.Reason, held.Metadata["legal_hold"]));

        // Put off, it waits for the hold, and meanwhile nothing is said and few may read.
        var asked = await host.Transcripts.RequestErasureAsync(new(chat) { RequestId = "4", WhenDue = true }, steve);
        Assert.Equal(hold.Name, asked.LegalHold);
        var approve = new ApproveErasureRequest { Name = asked.Name, RequestId = "5", Purpose = "ok", Hash = asked.Hash };
        Assert.Equal((State.Restricted, hold.Name), await host.Transcripts.ApproveErasureAsync(approve, xenia) is var approved ? (approved.State, approved.LegalHold) : default);
        await Restricted(host, $"{Demo}/conversations/c2");
        Assert.Equal("CUSTOMER_RESTRICTED", (await Refused(() => host.Turns.SendTurnAsync(Send($"{Demo}/conversations/c2")))).Reason);
        Assert.Equal("CUSTOMER_RESTRICTED", (await Refused(() => host.Conversations.CreateConversationAsync(New("c9", "customers/43")))).Reason);
        var agent = host.Appointed("demo", "anna", "agent");
        foreach (var read in (Func<Task>[])
        [
            async () => await host.Turns.GetTurnAsync(new() { Name = $"{Demo}/conversations/c2/turns/1" }, agent),
            async () => await host.Turns.ListTurnsAsync(new() { Parent = $"{Demo}/conversations/c2" }, agent),
            async () => await host.Conversations.GetConversationAsync(new() { Name = $"{Demo}/conversations/c2" }, agent),
            async () => await host.Transcripts.GetTranscriptAsync(new() { Name = $"{Demo}/conversations/c2", Purpose = "x" }, host.Appointed("demo", "ursula", "auditor")),
            async () => await host.Turns.ResumeTurn(new() { Turn = $"{Demo}/conversations/c2/turns/1" }, agent).Rest(),
        ])
            Assert.Equal("CUSTOMER_RESTRICTED", (await Refused(read)).Reason);
        var listed = (await host.Conversations.ListConversationsAsync(new() { Parent = Demo }, agent)).Conversations.Single(one => one.Name.EndsWith("c2", StringComparison.Ordinal));
        Assert.Equal((true, ""), (listed.Restricted, listed.Customer));
        var frank = host.Appointed("demo", "frank", "auditor-full");
        Assert.NotEqual("", (await host.Transcripts.GetTranscriptAsync(new() { Name = $"{Demo}/conversations/c2", Purpose = "complaint", View = TranscriptView.Full }, frank)).Turns[0].Turn.Input.Text);

        await host.Transcripts.ReleaseLegalHoldAsync(new() { Name = hold.Name, RequestId = "6", Purpose = "closed" }, xenia);
        await host.Transcripts.ApproveErasureAsync(approve, xenia);
        await Until(host, asked.Name, State.Erased);
        Assert.Equal("CONVERSATION_ERASED", (await Refused(() => host.Turns.SendTurnAsync(Send($"{Demo}/conversations/c2")))).Reason);
    }

    [Fact]
    public async Task A_turn_that_runs_is_ended_in_the_record_before_its_key_goes()
    {
        await using var host = await EmbeddedHost.Start(new Script(Answer: new string('x', 4_000), TokensPerSecond: 40), settings: NothingIsKept);
        var conversation = await Open(host, "c1");
        using var call = host.Say(conversation, "1", "a long story");
        while ((await call.Next()).EventCase is not TurnEvent.EventOneofCase.Accepted)
        {
        }
        var erased = await Erase(host);
        Assert.Equal(1, erased.Turns);
        Assert.Equal((true, Turn.Types.State.Cancelled), await host.Turns.GetTurnAsync(new() { Name = $"{conversation}/turns/1" }) is var turn ? (turn.Erased, turn.State) : default);
        Assert.Equal(0, (await RecordVerifier.VerifyAsync(host.Data)).OpenTurns);
    }

    [Fact]
    public async Task A_request_that_is_rejected_or_taken_back_erases_nothing_and_only_a_conversation_of_nobody_is_erased_by_name()
    {
        await using var host = await EmbeddedHost.Start(settings: NothingIsKept);
        await host.Say(await Open(host, "c1"), "1").Rest();
        await host.Say(await Open(host, "c2", customer: ""), "1").Rest();
        var (steve, sonja, xenia) = (host.Appointed("demo", "steve", "supervisor"), host.Appointed("demo", "sonja", "supervisor"), host.Appointed("demo", "xenia", "security-officer"));
        var asked = await host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "1", Purpose = "x", Customer = "customers/42" }, steve);
        var reject = new RejectErasureRequest { Name = asked.Name, RequestId = "2", Purpose = "a mistake" };
        Assert.Equal("PERMISSION_DENIED", await Reason(() => host.Transcripts.RejectErasureAsync(reject, sonja)));
        Assert.Equal(State.Rejected, (await host.Transcripts.RejectErasureAsync(reject, steve)).State);
        Assert.Equal("PROPOSAL_DECIDED", await Reason(() => host.Transcripts.ApproveErasureAsync(new() { Name = asked.Name, RequestId = "3", Purpose = "x", Hash = asked.Hash }, xenia)));
        Assert.Equal("INVALID_ARGUMENT", await Reason(() => host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "4", Purpose = "x", ConversationName = $"{Demo}/conversations/c1" }, steve)));

        var nobodys = await host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "5", Purpose = "x", ConversationName = $"{Demo}/conversations/c2" }, steve);
        await host.Transcripts.ApproveErasureAsync(new() { Name = nobodys.Name, RequestId = "6", Purpose = "x", Hash = nobodys.Hash }, xenia);
        await Until(host, nobodys.Name, State.Erased);
        Assert.Equal([false, true], (await host.Conversations.ListConversationsAsync(new() { Parent = Demo })).Conversations.Select(one => one.Erased));
        Assert.Equal([asked.Name, nobodys.Name], (await host.Transcripts.ListErasuresAsync(new() { Parent = Demo }, xenia)).Erasures.OrderBy(erasure => erasure.RequestTime.ToDateTimeOffset()).Select(erasure => erasure.Name));
    }

    private static async Task<Erasure> Erase(EmbeddedHost host)
    {
        var asked = await host.Transcripts.RequestErasureAsync(new() { Parent = Demo, RequestId = "ask", Purpose = "x", Customer = "customers/42" }, host.Appointed("demo", "steve", "supervisor"));
        await host.Transcripts.ApproveErasureAsync(new() { Name = asked.Name, RequestId = "approve", Purpose = "x", Hash = asked.Hash }, host.Appointed("demo", "xenia", "security-officer"));
        return await Until(host, asked.Name, State.Erased);
    }

    private static async Task<Erasure> Until(EmbeddedHost host, string name, State state)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (true)
        {
            // Processes notice half a second later that nothing is restricted any more.
            if (await host.Transcripts.GetErasureAsync(new() { Name = name }, cancellationToken: patience.Token) is var erasure && erasure.State == state
                && !(await host.Conversations.ListConversationsAsync(new() { Parent = Demo }, cancellationToken: patience.Token)).Conversations.Any(one => one.Restricted))
                return erasure;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }

    private static async Task Restricted(EmbeddedHost host, string conversation)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while (!(await host.Conversations.ListConversationsAsync(new() { Parent = Demo }, cancellationToken: patience.Token)).Conversations.Single(one => one.Name == conversation).Restricted)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
    }

    private static async Task Indexed(EmbeddedHost host, int turns)
    {
        using var patience = new CancellationTokenSource(Talk.Patience);
        while ((await host.Transcripts.SearchTranscriptsAsync(new() { Parent = Demo, Purpose = "sample", Query = "白鹭" }, cancellationToken: patience.Token)).Matches.Count < turns)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
    }

    private static async Task<string> Open(EmbeddedHost host, string id, string customer = "customers/42", string channel = "chat") =>
        (await host.Conversations.CreateConversationAsync(New(id, customer, channel))).Name;

    private static CreateConversationRequest New(string id, string customer, string channel = "chat") =>
        new() { Parent = Demo, ConversationId = id, RequestId = $"open-{id}", Conversation = new() { Customer = customer, Channel = channel, LanguageCode = "en" } };

    private static SendTurnRequest Send(string conversation) => new() { Conversation = conversation, RequestId = "2", Input = new() { Text = "more" } };

    private static async Task<ErrorInfo> Refused(Func<Task> call) => (await Assert.ThrowsAsync<RpcException>(call)).GetRpcStatus()!.GetDetail<ErrorInfo>();

    private static Task<ErrorInfo> Refused<T>(Func<AsyncUnaryCall<T>> call) => Refused(async () => await call());

    private static async Task<string?> Reason<T>(Func<AsyncUnaryCall<T>> call) => (await Refused(call)).Reason;
}
