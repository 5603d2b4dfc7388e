using R1Grains.LoadTests.Fuzz;
using R1Grains.Tests.Gateway;

namespace R1Grains.Tests.Load;

/// <summary>A small part of what <c>load-tests -- fuzz</c> does.</summary>
public sealed class FuzzTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Malformed_messages_and_connections_are_refused_and_disturb_nobody()
    {
        await using var host = await EmbeddedHost.Start(settings: ["--R1:Limits:CallerRate=0", "--R1:Limits:TenantRate=0"]);
        using var impatience = new CancellationTokenSource(Patience);
        await using var run = await FuzzRun.Begin(host.Address, impatience.Token);
        await run.Go(messages: 4_000, connections: 200, seed: 7, impatience.Token);
        Assert.True(run.Crashes == 0, string.Join(", ", run.Statuses));
        // Most are the caller's mistakes, and some are right.
        Assert.InRange(run.Statuses.GetValueOrDefault("3"), 1_500, 3_900);
        Assert.InRange(run.Statuses.GetValueOrDefault("0"), 100, 2_000);
        Assert.InRange(run.Statuses.GetValueOrDefault(""), 0, 400);
    }
}
