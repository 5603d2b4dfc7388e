using Google.Rpc;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Ledger.Retention;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using Erasure = R1Grains.V1.Erasure;

namespace R1Grains.Tests.Cluster;

/// <summary>A customer is erased whose conversations are being held with several silos.</summary>
[Collection(LocalClusterCollection.Name)]
public sealed class ErasureTests(LocalCluster cluster) : IAsyncLifetime
{
    private const string Demo = "tenants/demo";

    // Some on each silo that holds conversations, but for one time in a thousand.
    private const int Conversations = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public Task InitializeAsync() => cluster.Whole();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Words_are_erased_wherever_their_conversations_live()
    {
        var conversations = await Answering("wide");
        var erased = await Erased(await Approved("wide"));
        Assert.Equal(conversations.Order(), erased.Conversations.Order());
        // Another gateway, whose silo holds some of them itself, knows no more of them.
        var ended = new HashSet<Turn.Types.State>();
        foreach (var gateway in new[] { "a", "b" })
        {
            foreach (var conversation in conversations)
            {
                var turn = await new TurnService.TurnServiceClient(cluster.Gateway(gateway)).GetTurnAsync(new() { Name = $"{conversation}/turns/1" });
                Assert.Equal((true, "", ""), (turn.Erased, turn.Output, turn.Input.Text));
                ended.Add(turn.State);
                var refused = await Assert.ThrowsAsync<RpcException>(async () => await new TurnService.TurnServiceClient(cluster.Gateway(gateway)).SendTurnAsync(new() { Conversation = conversation, RequestId = "more", Input = new() { Text = "more" } }));
                Assert.Equal("CONVERSATION_ERASED", refused.GetRpcStatus()!.GetDetail<ErrorInfo>().Reason);
            }
        }
        // On a slow machine some may have come to their end before.
        Assert.Contains(Turn.Types.State.Cancelled, ended);
        Assert.Subset(new HashSet<Turn.Types.State> { Turn.Types.State.Cancelled, Turn.Types.State.Completed }, ended);
        await AssertCertifiedOnce(erased);
    }

    [Fact]
    public async Task A_silo_that_is_killed_meanwhile_holds_nothing_back()
    {
        var conversations = await Answering("torn");
        var approved = await Approved("torn");
        await cluster.Host("b").Kill();
        var erased = await Erased(approved);
        Assert.Equal(conversations.Order(), erased.Conversations.Order());
        await AssertCertifiedOnce(erased);
    }

    /// <summary>Conversations of one customer, each in the middle of an answer.</summary>
    private async Task<IReadOnlyList<string>> Answering(string customer)
    {
        var client = new ConversationService.ConversationServiceClient(cluster.Gateway("a"));
        var names = await Task.WhenAll(Enumerable.Range(0, Conversations).Select(async number => (await client.CreateConversationAsync(new()
        {
            Parent = Demo,
            ConversationId = $"{customer}-{number}",
            RequestId = $"open-{customer}-{number}",
            Conversation = new() { Customer = $"customers/{customer}", Channel = "chat", LanguageCode = "en" },
        })).Name));
        await Task.WhenAll(names.Select(async name =>
        {
            using var call = new TurnService.TurnServiceClient(cluster.Gateway("a")).StreamTurn(Talk.Turn(name, "1", $"told by {customer}"));
            while ((await call.Next()).EventCase is not TurnEvent.EventOneofCase.TextDelta)
            {
            }
        }));
        return names;
    }

    private async Task<Erasure> Approved(string customer)
    {
        var client = new TranscriptService.TranscriptServiceClient(cluster.Gateway("a"));
        var asked = await client.RequestErasureAsync(new() { Parent = Demo, RequestId = $"erase-{customer}", Purpose = "request", Customer = $"customers/{customer}" }, cluster.Bearer("a", "steve", Permission.Erase));
        return await client.ApproveErasureAsync(new() { Name = asked.Name, RequestId = $"approve-{customer}", Purpose = "checked", Hash = asked.Hash }, cluster.Bearer("a", "xenia", Permission.ApproveErasure));
    }

    private async Task<Erasure> Erased(Erasure approved)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var found = await new TranscriptService.TranscriptServiceClient(cluster.Gateway("a")).GetErasureAsync(new() { Name = approved.Name }, cluster.Bearer("a", "xenia", Permission.ApproveErasure), cancellationToken: patience.Token);
            if (found.State is Erasure.Types.State.Erased)
                return found;
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, patience.Token);
        }
    }

    private async Task AssertCertifiedOnce(Erasure erased)
    {
        await using var keys = await cluster.OpenKeys();
        await using (var record = await PostgresRecord.OpenAsync(cluster.Database, new FileRecordMarks(Path.GetTempPath()), keys: keys))
        {
            var certificates = (await record.Registry.ListEntriesAsync("demo", 1_000)).Items.Select(entry => entry.Record)
                .Where(done => done.Action == ErasureCertificate.Action && done.Details.Any(detail => detail.Value == erased.Name));
            Assert.Single(certificates);
        }
        var report = await RecordVerifier.VerifyPostgresAsync(cluster.Database, dataKeys: keys);
        Assert.True(report.Valid, report.FirstBad?.ToString());
    }
}
