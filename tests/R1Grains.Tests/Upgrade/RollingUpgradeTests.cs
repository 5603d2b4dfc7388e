using System.Text;
using Grpc.Core;
using R1Grains.Tests.Cluster;
using R1Grains.Tests.Gateway;
using R1Grains.V1;
using Xunit.Abstractions;

namespace R1Grains.Tests.Upgrade;

/// <summary>A cluster is replaced process by process, forth by a version that knows a field more, and back.</summary>
[Collection(LocalClusterCollection.Name)]
public sealed class RollingUpgradeTests(LocalCluster cluster, ITestOutputHelper output)
{
    private const int Customers = 4;
    private static readonly string[] Gateways = ["a", "b"];
    private static readonly string[] Silos = ["a", "b", "c", "d"];
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private int _refusals;

    [Fact]
    public async Task No_turn_fails_while_every_process_is_replaced_by_a_version_with_another_field_and_back()
    {
        await cluster.Whole();
        using var next = new NextProgram();
        using var end = new CancellationTokenSource();
        var customers = Enumerable.Range(0, Customers).Select(number => Converse($"upgrade{number}", end.Token)).ToList();

        foreach (var silo in Silos) await cluster.Replace(silo, next.Folder);
        Assert.True(await Holds("next", "upgrade0"), "no later version wrote the snapshot: nothing was tried");
        foreach (var silo in Silos) await cluster.Replace(silo, AppContext.BaseDirectory);
        Assert.False(await Holds("next", "upgrade0"), "no earlier version wrote the snapshot again");

        await end.CancelAsync();
        var turns = await Task.WhenAll(customers).WaitAsync(Patience);
        output.WriteLine($"{turns.Sum()} turns, {_refusals} refused before they began and taken elsewhere");
    }

    /// <summary>Turn after turn until the end; each must be answered whole on the stream on which it was accepted.</summary>
    /// <returns>How many.</returns>
    private async Task<int> Converse(string conversation, CancellationToken end)
    {
        var opener = new Customer([.. Gateways.Select(cluster.Gateway)], conversation);
        await opener.Open();
        var turns = 0;
        while (!end.IsCancellationRequested)
        {
            var words = $"{conversation}-{++turns}";
            for (var gateway = turns; !await Ask(conversation, words, Gateways[gateway % Gateways.Length]); gateway++)
            {
                Interlocked.Increment(ref _refusals);
                await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
            }
        }
        return turns;
    }

    /// <returns>False if the gateway is stopping or gone, and the turn has not begun.</returns>
    private async Task<bool> Ask(string conversation, string words, string gateway)
    {
        var text = new StringBuilder();
        var isAccepted = false;
        try
        {
            using var call = new TurnService.TurnServiceClient(cluster.Gateway(gateway)).StreamTurn(
                Talk.Turn($"tenants/demo/conversations/{conversation}", words, words), deadline: (TimeProvider.System.GetUtcNow() + Patience).UtcDateTime);
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
                isAccepted |= call.ResponseStream.Current.EventCase is TurnEvent.EventOneofCase.Accepted;
                Assert.True(call.ResponseStream.Current.EventCase is not TurnEvent.EventOneofCase.Failed, call.ResponseStream.Current.Failed?.Message);
                text.Append(call.ResponseStream.Current.TextDelta);
            }
        }
        catch (RpcException refused) when (refused.StatusCode is StatusCode.Unavailable && !isAccepted)
        {
            return false;
        }
        Assert.Equal(LocalCluster.Script.Answer.Replace("{words}", words, StringComparison.Ordinal), text.ToString());
        return true;
    }

    /// <summary>Whether the word is in the conversation's snapshot, once it has been written again.</summary>
    private async Task<bool> Holds(string word, string conversation)
    {
        var before = await Snapshot();
        for (var waited = TimeSpan.Zero; waited < Patience; waited += Pause)
        {
            await Task.Delay(Pause, TimeProvider.System);
            if (await Snapshot() is var now && now.Version != before.Version) return Encoding.UTF8.GetString(now.Payload).Contains(word, StringComparison.Ordinal);
        }
        throw new TimeoutException("The snapshot is not written any more.");

        async Task<(int Version, byte[] Payload)> Snapshot()
        {
            var row = $"FROM r1cluster.grain_snapshot WHERE id_text = 'demo/{conversation}'";
            return (await cluster.Postgres.ScalarAsync<int>($"SELECT coalesce((SELECT version {row}), 0)", "cluster"), await cluster.Postgres.ScalarAsync<byte[]>($"SELECT coalesce((SELECT payload {row}), '')", "cluster"));
        }
    }
}
