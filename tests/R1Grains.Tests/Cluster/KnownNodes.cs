using System.Collections.Immutable;
using System.Net;
using Orleans.Runtime;
using R1Grains.Cluster;

namespace R1Grains.Tests.Cluster;

/// <summary>A membership that a test decides. The first silo is this one.</summary>
internal sealed class KnownNodes : IClusterMembershipService, ILocalSiloDetails
{
    private readonly List<ClusterMember> _members = [];

    public KnownNodes(params (string Name, Roles Roles)[] silos)
    {
        foreach (var (name, roles) in silos) Add(name, roles);
        Nodes = new(this, this);
    }

    public Nodes Nodes { get; }

    public ClusterMembershipSnapshot CurrentSnapshot => new(_members.ToImmutableDictionary(member => member.SiloAddress), new(1));

    public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

    public string Name => _members[0].Name;

    public string ClusterId => "test";

    public string DnsHostName => "localhost";

    public SiloAddress SiloAddress => _members[0].SiloAddress;

    public SiloAddress GatewayAddress => SiloAddress;

    public SiloAddress Address(string name) => _members.Single(member => Node.Of(member)!.Name == name).SiloAddress;

    /// <summary>The silo's next life; that the last one is dead is not known yet.</summary>
    public void Restart(string name)
    {
        var old = _members.Single(member => Node.Of(member)!.Name == name);
        _members.Add(new(SiloAddress.New(old.SiloAddress.Endpoint, old.SiloAddress.Generation + 1), SiloStatus.Active, old.Name));
    }

    public void Add(string name, Roles roles, SiloStatus status = SiloStatus.Active) =>
        _members.Add(new(SiloAddress.New(IPAddress.Loopback, 1000 + _members.Count, 1), status, Node.SiloName(name, roles)));

    public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default) => default;

    public Task<bool> TryKill(SiloAddress siloAddress) => Task.FromResult(false);
}
