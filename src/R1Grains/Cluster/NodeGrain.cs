using Orleans.CodeGeneration;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Runtime;

namespace R1Grains.Cluster;

/// <summary>A silo's ear. The key is <c>silo/</c>.</summary>
[Alias("r1.INodeGrain"), Version(1)]
public interface INodeGrain : IGrainWithStringKey
{
    /// <summary>A silo is about to stop: nothing new is to be placed there.</summary>
    [Alias("Leaving"), AlwaysInterleave]
    Task Leaving(SiloAddress silo);
}

[RolePlacement(Roles.None, isPinned: true), Immovable, KeepAlive]
public sealed class NodeGrain(Nodes nodes) : Grain, INodeGrain
{
    public Task Leaving(SiloAddress silo)
    {
        nodes.Leave(silo);
        return Task.CompletedTask;
    }
}
