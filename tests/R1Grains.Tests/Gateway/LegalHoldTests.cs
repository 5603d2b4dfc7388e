using Google.Rpc;
using Grpc.Core;
using R1Grains.Ledger;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>What must not be erased.</summary>
public sealed class LegalHoldTests
{
    private const string Demo = "tenants/demo";

    [Fact]
    public async Task A_hold_is_placed_listed_and_released_and_tells_who_and_why_but_not_of_whom()
    {
        await using var host = await EmbeddedHost.Start();
        var conversation = (await host.Conversations.CreateConversationAsync(new() { Parent = Demo, ConversationId = "c1", RequestId = "open", Conversation = new() { Customer = "customers/44", Channel = "chat", LanguageCode = "en" } })).Name;
        var (frank, xenia) = (host.Appointed("demo", "frank", "auditor-full"), host.Appointed("demo", "xenia", "security-officer"));
        var place = new PlaceLegalHoldRequest { Parent = Demo, RequestId = "1", Purpose = "case 7", Customer = "customers/42" };
        var hold = await host.Transcripts.PlaceLegalHoldAsync(place, frank);
        Assert.Equal(("frank", "case 7", null), (hold.PlacedBy, hold.Purpose, hold.ReleaseTime));
        Assert.Matches("^tenants/demo/customers/[0-9a-f]{64}$", hold.Covers);
        Assert.Equal(hold, await host.Transcripts.PlaceLegalHoldAsync(place, frank));
        Assert.Equal("REQUEST_ID_REUSED", await Reason(() => host.Transcripts.PlaceLegalHoldAsync(new(place) { Customer = "customers/43" }, frank)));
        var second = await host.Transcripts.PlaceLegalHoldAsync(new() { Parent = Demo, RequestId = "2", Purpose = "case 8", ConversationName = conversation }, xenia);
        var all = await host.Transcripts.PlaceLegalHoldAsync(new() { Parent = Demo, RequestId = "3", Purpose = "inspection", WholeTenant = true }, xenia);
        Assert.Equal((conversation, Demo), (second.Covers, all.Covers));

        Assert.Equal(new[] { hold, second, all }.OrderBy(one => one.Name, StringComparer.Ordinal), (await host.Transcripts.ListLegalHoldsAsync(new() { Parent = Demo }, frank)).LegalHolds);
        // Of a customer, whatever keeps anything of them.
        foreach (var (customer, keeping) in new[] { ("customers/42", new[] { hold, all }), ("customers/43", [all]), ("customers/44", [second, all]) })
            Assert.Equal(keeping.OrderBy(one => one.Name, StringComparer.Ordinal), (await host.Transcripts.ListLegalHoldsAsync(new() { Parent = Demo, Customer = customer }, frank)).LegalHolds);

        var release = new ReleaseLegalHoldRequest { Name = hold.Name, RequestId = "4", Purpose = "closed" };
        var released = await host.Transcripts.ReleaseLegalHoldAsync(release, xenia);
        Assert.Equal((hold.Covers, "xenia", "closed"), (released.Covers, released.ReleasedBy, released.ReleasePurpose));
        Assert.Equal(released, await host.Transcripts.ReleaseLegalHoldAsync(release, xenia));
        Assert.Equal(2, (await host.Transcripts.ListLegalHoldsAsync(new() { Parent = Demo }, frank)).LegalHolds.Count);
        Assert.Equal(released, Assert.Single((await host.Transcripts.ListLegalHoldsAsync(new() { Parent = Demo, Released = true }, frank)).LegalHolds));
        Assert.Equal("LEGAL_HOLD_NOT_FOUND", await Reason(() => host.Transcripts.ReleaseLegalHoldAsync(new(release) { Name = $"{Demo}/legalHolds/none" }, xenia)));

        foreach (var (wrong, reason) in ((PlaceLegalHoldRequest, string)[])
        [
            (new(place) { RequestId = "5", Purpose = "" }, "MISSING_PURPOSE"),
            (new() { Parent = Demo, RequestId = "5", Purpose = "x" }, "INVALID_ARGUMENT"),
            (new() { Parent = Demo, RequestId = "5", Purpose = "x", WholeTenant = false }, "INVALID_ARGUMENT"),
            (new(place) { RequestId = "5", Customer = " " }, "INVALID_ARGUMENT"),
            (new() { Parent = Demo, RequestId = "5", Purpose = "x", ConversationName = $"{Demo}/conversations/none" }, "CONVERSATION_NOT_FOUND"),
            (new() { Parent = Demo, RequestId = "5", Purpose = "x", ConversationName = "tenants/other/conversations/c1" }, "CONVERSATION_NOT_FOUND"),
        ])
        {
            Assert.Equal(reason, await Reason(() => host.Transcripts.PlaceLegalHoldAsync(wrong, frank)));
        }

        var records = (await host.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).ToList();
        Assert.Equal(["frank legal-hold.place case 7", "xenia legal-hold.place case 8", "xenia legal-hold.place inspection", "xenia legal-hold.release closed"], records.Select(record => $"{record.Actor} {record.Action} {record.Purpose}"));
        Assert.Equal((hold.Covers, hold.Name), (records[0].Resource, records[0].Details[0].Value));
        Assert.DoesNotContain(records, record => record.ToString().Contains("customers/42", StringComparison.Ordinal));
        Assert.True((await RecordVerifier.VerifyAsync(host.Data)).Valid);
    }

    private static async Task<string?> Reason<T>(Func<AsyncUnaryCall<T>> call) =>
        (await Assert.ThrowsAsync<RpcException>(async () => await call())).GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
}
