using R1Grains.Tests.Servers;

namespace R1Grains.Ledger.Tests.Postgres;

/// <summary>The server is stopped, killed, frozen and cut off under a record that goes on writing.</summary>
public sealed class OutageTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private readonly PostgresStore _store = new(fixture.Server);

    private PostgresServer Server => fixture.Server;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_comes_back_soon_is_a_pause_and_nothing_more(bool killed)
    {
        await using var record = await _store.OpenAsync();
        await using var traffic = new Traffic(record);
        for (var round = 0; round < 3; round++)
        {
            await traffic.FlowAsync();
            await (killed ? Server.KillAsync() : Server.StopAsync());
            await Server.StartAsync();
        }
        await traffic.FlowAsync();
        await traffic.StopAsync();
        // A start that takes longer than the record's patience is told to callers, who repeat.
        Assert.True(traffic.Failures.IsEmpty || traffic.LongestCall >= TimeSpan.FromSeconds(5), traffic.Failures.FirstOrDefault()?.Message);
        Assert.Null((await _store.VerifyAsync()).FirstBad);
    }

    [Fact]
    public async Task A_frozen_server_is_told_within_seconds_and_appends_go_on_when_it_thaws()
    {
        await using var record = await _store.OpenAsync();
        await using var traffic = new Traffic(record);
        await traffic.FlowAsync();
        Server.Freeze();
        await Task.Delay(TimeSpan.FromSeconds(20), TimeProvider.System);
        var failure = await Assert.ThrowsAsync<RecordUnavailableException>(() => record.FindConversationAsync(Samples.Key("c0"))).WaitAsync(TimeSpan.FromSeconds(10));
        var during = traffic.Acknowledged;
        Server.Resume();
        await traffic.FlowAsync();
        await traffic.StopAsync();

        Assert.Contains(Server.Address, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("battery", failure.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(traffic.Failures);
        Assert.InRange(traffic.LongestCall, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(11));
        Assert.True(traffic.Acknowledged > during);
        Assert.Null((await _store.VerifyAsync()).FirstBad);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_whose_answer_is_lost_is_looked_up_and_made_once(bool committed)
    {
        var cut = committed ? CommitProxy.Cut.Answer : CommitProxy.Cut.Request;
        await using var proxy = new CommitProxy(Server.Port);
        var connectionString = (await _store.CreateAsync()).Replace($"Port={Server.Port}", $"Port={proxy.Port}", StringComparison.Ordinal);
        await using var record = await PostgresRecord.OpenAsync(connectionString, new FileRecordMarks(_store.Marks), keys: await _store.Keys);
        var key = Samples.Key();

        for (var round = 1; round <= 6; round++)
        {
            // A batch that is applied again where it was committed shows in what these two answer.
            proxy.Arm(cut);
            Assert.Equal(CreationOutcome.Created, (await record.CreateConversationAsync(Samples.Opened(key = Samples.Key($"c{round}")))).Outcome);
            proxy.Arm(cut);
            Assert.Equal(1, (await record.TakeOverAsync(key))!.Epoch);
            proxy.Arm(cut);
            await record.AppendAsync(Samples.Turn(key, 1, 1), Samples.Prompt);
        }
        Assert.Equal(18, proxy.Cuts);
        Assert.Equal(new VerificationReport(6, 6, 6, 12, 0, 0, null), (await _store.VerifyAsync()).WithoutTrees());
    }

    [Fact]
    public async Task A_server_that_is_away_is_named_with_what_to_do_and_without_the_password()
    {
        var connectionString = await _store.CreateAsync();
        await using var record = await _store.OpenAsync();
        await Server.StopAsync();
        try
        {
            var first = await Assert.ThrowsAsync<RecordUnavailableException>(() => record.CreateConversationAsync(Samples.Opened(Samples.Key())));
            // An outage that lasts is told at once.
            await Assert.ThrowsAsync<RecordUnavailableException>(() => record.CreateConversationAsync(Samples.Opened(Samples.Key()))).WaitAsync(TimeSpan.FromSeconds(2));
            var failures = new[]
            {
                first,
                await Assert.ThrowsAsync<RecordUnavailableException>(() => record.FindConversationAsync(Samples.Key())),
                await Assert.ThrowsAsync<RecordUnavailableException>(() => PostgresRecord.OpenAsync(connectionString, new FileRecordMarks(_store.Marks))),
            };
            Assert.All(failures, failure =>
            {
                Assert.Contains($"PostgreSQL at {Server.Address}/", failure.Message, StringComparison.Ordinal);
                Assert.Contains("Start it", failure.Message, StringComparison.Ordinal);
                Assert.DoesNotContain("battery", failure.ToString(), StringComparison.Ordinal);
            });
        }
        finally
        {
            await Server.StartAsync();
        }
        Assert.Equal(CreationOutcome.Created, (await record.CreateConversationAsync(Samples.Opened(Samples.Key()))).Outcome);
    }
}
