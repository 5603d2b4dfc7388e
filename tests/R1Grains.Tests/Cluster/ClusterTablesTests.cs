using R1Grains.Cluster;
using R1Grains.Operations;
using PostgresServer = R1Grains.Tests.Servers.PostgresServer;

namespace R1Grains.Tests.Cluster;

/// <summary>Tables outlive the programs that made them, and while a cluster is replaced two versions use them.</summary>
public sealed class ClusterTablesTests
{
    [Fact]
    public async Task Tables_are_used_by_every_program_that_they_are_for_and_refused_to_others()
    {
        await using var server = await PostgresServer.StartAsync();
        var connection = await server.CreateDatabaseAsync("tables");
        await ClusterTables.Make(connection);
        Assert.Equal("1, for 1 and later", await Comment());

        await SetComment("7, for 1 and later");
        await ClusterTables.Make(connection);
        Assert.Equal("7, for 1 and later", await Comment());

        // As they were made before a version said whom it is for.
        await SetComment("1");
        await ClusterTables.Make(connection);

        foreach (var (comment, words) in new[] { ("7, for 2 and later", "version 7, this program knows version 1, and it must know version 2"), ("7", "must know version 7"), ("ours", "'ours'") })
        {
            await SetComment(comment);
            Assert.Contains(words, (await Assert.ThrowsAsync<StartFailure>(() => ClusterTables.Make(connection))).Message, StringComparison.Ordinal);
            Assert.Equal(comment, await Comment());
        }

        Task<string> Comment() => server.ScalarAsync<string>("SELECT obj_description(to_regnamespace('r1cluster'), 'pg_namespace')", "tables");
        Task SetComment(string comment) => server.ExecuteAsync($"COMMENT ON SCHEMA r1cluster IS '{comment}'", "tables");
    }
}
