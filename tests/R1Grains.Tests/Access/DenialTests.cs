using System.Net;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Tests.Gateway;

namespace R1Grains.Tests.Access;

public sealed class DenialTests
{
    [Fact]
    public async Task A_denied_call_is_recorded_in_the_callers_tenant()
    {
        await using var host = await EmbeddedHost.Start();
        var ben = host.Appointed("demo", "ben", "auditor");
        await Assert.ThrowsAsync<RpcException>(async () => await host.Turns.GetTurnAsync(new() { Name = "tenants/demo/conversations/c/turns/1" }, ben));
        await Assert.ThrowsAsync<RpcException>(async () => await host.Conversations.GetConversationAsync(new() { Name = "tenants/other/conversations/c" }, ben));

        var entries = (await host.Registry.ListEntriesAsync("demo", 10)).Items.Select(entry => entry.Record).ToList();
        Assert.Equal(
            [("tenants/demo/conversations/c/turns/1", "/r1grains.v1.TurnService/GetTurn", "read_turns"), ("tenants/other/conversations/c", "/r1grains.v1.ConversationService/GetConversation", "read_conversations")],
            entries.Select(record => (record.Resource, record.Details[0].Value, record.Details[1].Value)));
        Assert.All(entries, record => Assert.Equal(("ben", "access.denied"), (record.Actor, record.Action)));
        Assert.Empty((await host.Registry.ListEntriesAsync("other", 10)).Items);
    }

    [Fact]
    public async Task Many_denials_of_a_caller_are_counted_and_those_without_a_token_by_address()
    {
        using var folder = new TemporaryFolder();
        await using var record = await SqliteRecord.OpenAsync(folder.Path);
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var denials = new Denials(record.Registry, time, NullLogger<Denials>.Instance);
        await denials.StartAsync(default);

        var (ben, cleo) = (new Caller("demo", "ben", []), new Caller("demo", "cleo", []));
        for (var number = 0; number < 25; number++)
            await denials.Denied(ben, "GetTurn", null, Permission.ReadTurns);
        await denials.Denied(cleo, "GetTurn", null, Permission.ReadTurns);
        foreach (var address in (string[])["10.0.0.7", "10.0.0.7", "::ffff:10.0.0.7", "2001:db8::1", "2001:db8::2"])
            denials.Unauthenticated(IPAddress.Parse(address));
        await denials.StopAsync(default);

        var demo = (await record.Registry.ListEntriesAsync("demo", 100)).Items.Select(entry => entry.Record).ToList();
        Assert.Equal(
            [("ben", "access.denied", Denials.RecordedMax), ("ben", "access.denied.counted", 1), ("cleo", "access.denied", 1)],
            demo.GroupBy(denied => (denied.Actor, denied.Action)).Select(group => (group.Key.Actor, group.Key.Action, group.Count())).Order());
        Assert.Equal(new Label("count", "15"), Assert.Single(demo, denied => denied.Action == "access.denied.counted").Details[0]);
        var counted = Assert.Single((await record.Registry.ListEntriesAsync(IRegistry.Cluster, 100)).Items).Record;
        Assert.Equal([new Label("10.0.0.7", "3"), new Label("2001:db8::/64", "2")], counted.Details);
    }

    [Fact]
    public async Task What_is_counted_is_recorded_every_minute_and_a_caller_is_recorded_anew()
    {
        using var folder = new TemporaryFolder();
        await using var record = await SqliteRecord.OpenAsync(folder.Path);
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var denials = new Denials(record.Registry, time, NullLogger<Denials>.Instance);
        await denials.StartAsync(default);
        denials.Unauthenticated(IPAddress.Loopback);
        while ((await record.Registry.ListEntriesAsync(IRegistry.Cluster, 100)).Items.Count == 0)
        {
            time.Advance(Denials.Interval);
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
        await denials.StopAsync(default);
        Assert.Single((await record.Registry.ListEntriesAsync(IRegistry.Cluster, 100)).Items);
    }
}
