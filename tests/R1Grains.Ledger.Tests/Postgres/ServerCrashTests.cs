using R1Grains.LoadTests.Ledger;

namespace R1Grains.Ledger.Tests.Postgres;

public sealed class ServerCrashTests
{
    private const int Crashes = 6;

    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_writers_are_killed_and_the_server_crashes()
    {
        using var time = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var account = await CrashRun.RunAsync(Crashes, CrashWriter.Start, () => { }, time.Token);
        Assert.Empty(account.Findings);
        Assert.Equal((0, 0, 0), (account.Lost, account.Duplicated, account.Contradictions));
        Assert.True(account.Acknowledged >= 20 * Crashes, $"{account.Acknowledged} were acknowledged");
    }
}
