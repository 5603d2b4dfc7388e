using R1Grains.Cluster;

namespace R1Grains.Tests.Cluster;

/// <summary>A name belongs to one living silo.</summary>
[Collection(LocalClusterCollection.Name)]
public sealed class NamesakeTests(LocalCluster cluster) : IAsyncLifetime
{
    public Task InitializeAsync() => cluster.Whole();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_second_silo_of_a_name_does_not_join_and_says_so_in_one_line()
    {
        await using var second = cluster.Launch("d", Roles.Inference);
        Assert.Equal(1, await second.Exited());
        Assert.Contains("R1__Silo__Name is 'd'", Assert.Single(second.Output), StringComparison.Ordinal);
        Assert.False(cluster.Host("d").HasEnded);
    }

    [Fact]
    public async Task A_frozen_silo_gives_its_name_away_and_when_it_wakes_it_ends_by_one_line_to_be_started_again()
    {
        var frozen = cluster.Host("d");
        frozen.Freeze();
        // Ready once the others have declared the first one dead.
        await using var second = cluster.Launch("d", Roles.Inference);
        await second.Ready();
        var said = frozen.Output.Count;
        frozen.Thaw();
        Assert.Equal(DeclaredDead.ExitCode, await frozen.Exited());
        Assert.Single(frozen.Output.Skip(said), line => line.Contains("declared the silo d dead", StringComparison.Ordinal));
        // Orleans may log that it was told, and what it gives up, before it asks what to do.
        Assert.True(frozen.Output.Count - said <= 5, string.Join('\n', frozen.Output.Skip(said)));
        Assert.DoesNotContain(frozen.Output, line => line.Contains("   at ", StringComparison.Ordinal));
    }
}
