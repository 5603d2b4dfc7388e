using R1Grains.Cluster;
using R1Grains.Operations;
using R1Grains.Tests.Servers;

namespace R1Grains.Tests.Cluster;

public sealed class RedisConnectionTests
{
    [Fact]
    public async Task A_server_that_keeps_what_it_is_told_is_taken()
    {
        await using var redis = await RedisServer.StartAsync();
        await RedisConnection.Require(redis.Connection, TimeProvider.System);
    }

    [Theory]
    [InlineData("maxmemory-policy", "--maxmemory-policy", "allkeys-lru")]
    [InlineData("appendonly", "--appendonly", "no")]
    public async Task A_server_that_could_forget_the_membership_is_refused(string names, params string[] settings)
    {
        await using var redis = await RedisServer.StartAsync(settings);
        var refused = await Assert.ThrowsAsync<StartFailure>(() => RedisConnection.Require(redis.Connection, TimeProvider.System));
        Assert.Contains(names, refused.Message, StringComparison.Ordinal);
        Assert.Contains(redis.Connection, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_told_without_the_password()
    {
        await using var redis = await RedisServer.StartAsync("--requirepass", "right");
        await RedisConnection.Require($"{redis.Connection},password=right", TimeProvider.System);
        var refused = await Assert.ThrowsAsync<StartFailure>(() => RedisConnection.Require($"{redis.Connection},password=wrong-one", TimeProvider.System));
        Assert.Contains(redis.Connection, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-one", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named_after_a_while()
    {
        var redis = await RedisServer.StartAsync();
        await redis.DisposeAsync();
        var refused = await Assert.ThrowsAsync<StartFailure>(() => RedisConnection.Require(redis.Connection, TimeProvider.System));
        Assert.Contains($"Redis at {redis.Connection} does not answer", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Marks_never_fall()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var marks = new RedisRecordMarks(redis.Connection, "test");
        var writer = Guid.NewGuid();
        await marks.KeepAsync(writer, 12, default);
        await marks.KeepAsync(writer, 7, default);
        Assert.Equal(12, (await marks.ReadAsync(default))[writer]);
    }
}
