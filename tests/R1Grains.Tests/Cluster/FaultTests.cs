using Google.Rpc;
using Grpc.Core;
using R1Grains.Ledger;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using Xunit.Abstractions;

namespace R1Grains.Tests.Cluster;

/// <summary>One fault after another in a cluster of real processes, while ten customers are being answered.</summary>
[Collection(LocalClusterCollection.Name)]
public sealed class FaultTests(LocalCluster cluster, ITestOutputHelper output) : IAsyncLifetime
{
    // Some on each silo that holds conversations, but for one time in a thousand.
    private const int Customers = 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static int _conversations;

    public Task InitializeAsync() => cluster.Whole();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_killed_device_is_replaced_and_clients_see_a_pause()
    {
        await UntilItAnswers("d");
        var customers = await Answered(["a", "b"], () => cluster.Host("d").Kill());
        AssertUnbroken(customers);
        AssertPause(customers, seconds: 5);
        Assert.Contains(await Turns(customers), turn => turn.Closed!.ResumePoints.Count > 0);
        // Their conversations live elsewhere, and live on.
        Assert.Equal(Customers, await Epochs(customers));
    }

    [Fact]
    public async Task A_frozen_device_is_left_within_seconds()
    {
        await UntilItAnswers("d");
        var customers = await Answered(["a", "b"], () => { cluster.Host("d").Freeze(); return Task.CompletedTask; });
        AssertUnbroken(customers);
        AssertPause(customers, seconds: 12);
    }

    [Fact]
    public async Task Conversations_of_a_killed_silo_go_on_at_another_and_clients_of_other_gateways_see_a_pause()
    {
        var customers = await Answered(["a"], () => cluster.Host("b").Kill());
        AssertUnbroken(customers);
        AssertPause(customers, seconds: 6);
        Assert.True(await Epochs(customers) > Customers, "no conversation was taken over");
    }

    [Fact]
    public async Task Conversations_of_a_frozen_silo_go_on_and_when_it_wakes_it_shows_nothing()
    {
        var customers = await Answered(["a"], () => { cluster.Host("b").Freeze(); return Task.CompletedTask; });
        AssertUnbroken(customers);
        AssertPause(customers, seconds: 13);
        // Clients leave a gateway that is silent for six.
        Assert.All(customers, customer => Assert.InRange(customer.LongestSilence.TotalSeconds, 0, 5));
        Assert.True(await Epochs(customers) > Customers, "no conversation was taken over");
        var before = await Turns(customers);
        cluster.Host("b").Thaw();
        // It learns that it is dead, and ends.
        Assert.NotEqual(0, await cluster.Host("b").Exited());
        Assert.Equal(before.Select(turn => turn.ClosedReceipt), (await Turns(customers)).Select(turn => turn.ClosedReceipt));
    }

    [Fact]
    public async Task Single_calls_to_a_frozen_silo_are_answered_by_the_next_one()
    {
        var opened = new List<(Customer Customer, string Words)>();
        for (var i = 0; i < Customers; i++) opened.Add(await Open(["a"]));
        cluster.Host("b").Freeze();
        var client = new ConversationService.ConversationServiceClient(cluster.Gateway("a"));
        var views = await Task.WhenAll(opened.Select(customer => client.GetConversationAsync(new() { Name = $"tenants/demo/conversations/{customer.Customer.Conversation}" }).ResponseAsync.WaitAsync(Patience)));
        Assert.Equal(opened.Select(customer => customer.Customer.Conversation), views.Select(view => view.Name.Split('/')[^1]));
    }

    [Fact]
    public async Task Clients_of_a_killed_gateway_go_on_at_another()
    {
        var customers = await Answered(["a", "b"], () => cluster.Host("a").Kill());
        Assert.All(customers, customer => Assert.NotEmpty(customer.Breaks));
        AssertPause(customers, seconds: 3);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    [InlineData("d")]
    public async Task A_silo_that_is_asked_to_stop_fails_no_turn(string silo)
    {
        var customers = await Answered([.. new[] { "a", "b" }.Where(name => name != silo)], async () =>
        {
            cluster.Host(silo).Stop();
            // New turns come while it drains.
            await Ask(await Open([.. new[] { "a", "b" }.Where(name => name != silo)]));
            Assert.Equal(0, await cluster.Host(silo).Exited());
        });
        AssertUnbroken(customers);
    }

    [Fact]
    public async Task A_database_that_restarts_is_a_pause()
    {
        var customers = await Answered(["a", "b"], cluster.Postgres.RestartAsync);
        AssertUnbroken(customers);
    }

    [Fact]
    public async Task While_the_database_is_away_turns_are_refused_with_advice_and_then_go_on()
    {
        var (customer, words) = await Open(["a", "b"]);
        var answer = Ask((customer, words));
        await customer.Begun.WaitAsync(Patience);
        await cluster.Postgres.StopAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            using var call = new TurnService.TurnServiceClient(cluster.Gateway("a")).StreamTurn(Talk.Turn($"tenants/demo/conversations/{customer.Conversation}", "while-away"));
            while (await call.ResponseStream.MoveNext(CancellationToken.None)) ;
        }).WaitAsync(Patience);
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.NotNull(refused.GetRpcStatus()!.GetDetail<RetryInfo>());
        await Task.Delay(TimeSpan.FromSeconds(8), TimeProvider.System);
        await cluster.Postgres.StartAsync();
        await answer.WaitAsync(Patience);
        Assert.NotEmpty(customer.Breaks);
        await Ask(await Open(["a"]));
    }

    [Fact]
    public async Task Snapshots_are_kept_in_the_database_and_hold_no_text()
    {
        var asked = await Open(["a", "b"]);
        await Ask(asked);
        byte[]? payload = null;
        for (var tries = 0; payload is null && tries < 100; tries++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            payload = await cluster.Postgres.ScalarAsync<byte[]?>($"SELECT (SELECT payload FROM r1cluster.grain_snapshot WHERE id_text = 'demo/{asked.Item1.Conversation}')", "cluster");
        }
        Assert.NotNull(payload);
        Assert.DoesNotContain("said", System.Text.Encoding.UTF8.GetString(payload), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_membership_store_that_is_away_and_comes_back_changes_nothing()
    {
        var customers = await Answered(["a", "b"], cluster.Redis.KillAsync);
        AssertUnbroken(customers);
        // New conversations begin without it as well.
        await Ask(await Open(["a"]));
        await cluster.Redis.StartAsync();
        await cluster.Host("d").Kill();
        await cluster.Whole();
        await Ask(await Open(["b"]));
    }

    /// <summary>Asks, lets the fault happen once every customer has text, and waits until all have their answers.</summary>
    private async Task<IReadOnlyList<Customer>> Answered(string[] gateways, Func<Task> fault)
    {
        var opened = new List<(Customer Customer, string Words)>();
        for (var i = 0; i < Customers; i++) opened.Add(await Open(gateways));
        var answers = opened.ConvertAll(Ask);
        await Task.WhenAll(opened.Select(customer => customer.Customer.Begun)).WaitAsync(Patience);
        await fault();
        await Task.WhenAll(answers).WaitAsync(Patience);
        var customers = opened.ConvertAll(customer => customer.Customer);
        output.WriteLine($"longest pauses {string.Join(", ", customers.Select(customer => $"{customer.LongestPause.TotalSeconds:0.0} s ({customer.Breaks.Count})"))}");
        return customers;
    }

    /// <summary>Asks until the device has a reply: one that has just come may be slow to say how busy it is, and is left alone for a while then.</summary>
    private async Task UntilItAnswers(string device)
    {
        var answers = new List<Task>();
        do
        {
            Assert.InRange(answers.Count, 0, 40);
            answers.Add(Ask(await Open(["a", "b"])));
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
        }
        while (await cluster.Replies(device) == 0);
        await Task.WhenAll(answers).WaitAsync(Patience);
    }

    private async Task<(Customer, string Words)> Open(string[] gateways)
    {
        var words = $"w{Interlocked.Increment(ref _conversations)}";
        var customer = new Customer([.. gateways.Select(cluster.Gateway)], words);
        await customer.Open();
        return (customer, words);
    }

    private static async Task Ask((Customer Customer, string Words) asked)
    {
        await asked.Customer.Ask(asked.Words);
        Assert.True(asked.Customer.Failed is null, asked.Customer.Failed?.Message);
        Assert.Equal(LocalCluster.Script.Answer.Replace("{words}", asked.Words, StringComparison.Ordinal), asked.Customer.Text);
        Assert.NotNull(asked.Customer.Completed);
    }

    private static void AssertUnbroken(IEnumerable<Customer> customers) => Assert.All(customers, customer => Assert.Empty(customer.Breaks));

    private static void AssertPause(IEnumerable<Customer> customers, double seconds) => Assert.All(customers, customer => Assert.InRange(customer.LongestPause.TotalSeconds, 0, seconds));

    private async Task<IReadOnlyList<TurnRecord>> Turns(IEnumerable<Customer> customers)
    {
        await using var keys = await cluster.OpenKeys();
        await using var record = await PostgresRecord.OpenAsync(cluster.Database, new FileRecordMarks(Path.GetTempPath()), keys: keys);
        var turns = new List<TurnRecord>();
        foreach (var customer in customers) turns.Add((await record.FindTurnAsync(new("demo", customer.Conversation), 1))!);
        return turns;
    }

    private Task<long> Epochs(IEnumerable<Customer> customers) => cluster.Postgres.ScalarAsync<long>(
        $"SELECT coalesce(sum(epoch), 0)::bigint FROM r1grains.conversation_head WHERE name IN ({string.Join(", ", customers.Select(customer => $"'{customer.Conversation}'"))})", "cluster");
}
