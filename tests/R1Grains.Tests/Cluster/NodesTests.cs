using System.Net;
using Orleans.Runtime;

namespace R1Grains.Tests.Cluster;

public sealed class NodesTests
{
    [Fact]
    public void Dead_is_whom_the_membership_calls_so_and_not_who_is_unknown_to_it()
    {
        var known = new KnownNodes(("a", Roles.All));
        known.Add("b", Roles.Inference, SiloStatus.Dead);
        known.Add("c", Roles.Inference, SiloStatus.Joining);
        Assert.Equal(
            (false, true, false, false),
            (known.Nodes.IsDead(known.Address("a")), known.Nodes.IsDead(known.Address("b")), known.Nodes.IsDead(known.Address("c")), known.Nodes.IsDead(SiloAddress.New(IPAddress.Loopback, 1, 1))));
    }
}
