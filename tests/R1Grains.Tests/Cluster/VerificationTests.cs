using Google.Rpc;
using Grpc.Core;
using Npgsql;
using R1Grains.Access;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using Verdict = R1Grains.V1.LedgerVerification.Types.Verdict;

namespace R1Grains.Tests.Cluster;

/// <summary>An auditor asks a gateway that signs nothing, of a record that other processes write.</summary>
[Collection(LocalClusterCollection.Name)]
public sealed class VerificationTests(LocalCluster cluster) : IAsyncLifetime
{
    private const string Demo = "tenants/demo";

    public Task InitializeAsync() => cluster.Whole();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task What_is_written_by_other_processes_is_valid_while_it_grows_and_what_is_damaged_is_named()
    {
        using var stop = new CancellationTokenSource();
        var saying = new[] { "a", "b" }.Select(async gateway =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                var conversation = (await new ConversationService.ConversationServiceClient(cluster.Gateway(gateway)).CreateConversationAsync(new()
                {
                    Parent = Demo, ConversationId = $"verified-{gateway}-{number}", RequestId = $"open-{gateway}-{number}", Conversation = new() { Channel = "chat", LanguageCode = "en" },
                })).Name;
                await new TurnService.TurnServiceClient(cluster.Gateway(gateway)).StreamTurn(Talk.Turn(conversation, "1", "short")).Rest();
            }
        }).ToArray();
        var found = new List<LedgerVerification>();
        while (found.Count < 10 || found[^1].TreeSize < found[0].TreeSize + 10)
            found.Add(await Verify());
        await stop.CancelAsync();
        await Task.WhenAll(saying);
        Assert.All(found, one => Assert.Equal((Verdict.Valid, null), (one.Verdict, one.FirstBad)));
        // Here each silo that holds conversations signs with a key of its own.
        Assert.All(found, one => Assert.Equal(2, one.KeyIds.Count));
        Assert.All(found, one => Assert.NotEmpty(one.Checkpoint));
        Assert.Equal(found.Select(one => one.TreeSize).Order(), found.Select(one => one.TreeSize));

        const string place = "FROM conversation_head h WHERE h.id = e.conversation_id AND h.name = 'verified-b-0' AND e.idx = 1";
        await Execute($"UPDATE entry e SET epoch = e.epoch + 1 {place}");
        var damaged = await Verify();
        await Execute($"UPDATE entry e SET epoch = e.epoch - 1 {place}");
        Assert.Equal((Verdict.Invalid, $"{Demo}/conversations/verified-b-0/turns/1 (entry 1)"), (damaged.Verdict, damaged.FirstBad?.Place));
        Assert.Null((await Verify()).FirstBad);
    }

    [Fact]
    public async Task Somebody_who_is_at_it_in_another_process_is_waited_for()
    {
        await using (var other = await Connect())
        {
            // As whoever verifies takes the place of it.
            await using (var take = new NpgsqlCommand("SELECT pg_advisory_lock(x'52315646'::integer, hashtext('demo'))", other))
                await take.ExecuteNonQueryAsync();
            var refused = (await Assert.ThrowsAsync<RpcException>(Verify)).GetRpcStatus()!;
            Assert.Equal("VERIFICATION_UNDER_WAY", refused.GetDetail<ErrorInfo>().Reason);
            Assert.NotNull(refused.GetDetail<RetryInfo>());
        }
        Assert.Null((await Verify()).FirstBad);
    }

    private async Task<LedgerVerification> Verify()
    {
        using var call = new TranscriptService.TranscriptServiceClient(cluster.Gateway("a")).VerifyLedger(new() { Parent = Demo, Purpose = "monthly review" }, cluster.Bearer("a", "ulla", Permission.VerifyLedger));
        LedgerVerification? found = null;
        await foreach (var happened in call.ResponseStream.ReadAllAsync())
            found = happened.Verification;
        return found!;
    }

    private async Task<NpgsqlConnection> Connect()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(cluster.Postgres.ConnectionString("cluster", "postgres")) { Pooling = false, SearchPath = "r1grains" }.ToString());
        await connection.OpenAsync();
        return connection;
    }

    private async Task Execute(string sql)
    {
        await using var connection = await Connect();
        await using var command = new NpgsqlCommand($"SET session_replication_role = replica; {sql}", connection);
        Assert.True(await command.ExecuteNonQueryAsync() > 0, sql);
    }
}
