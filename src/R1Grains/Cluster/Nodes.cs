using System.Collections.Concurrent;
using Orleans.Runtime;

namespace R1Grains.Cluster;

/// <summary>
/// Who is there to work: the silos that the membership calls active, and what they do. Every silo has the whole of it, so
/// that it outlives each of them.
/// </summary>
public sealed class Nodes(IClusterMembershipService membership, ILocalSiloDetails local)
{
    // Silos that have said they are leaving; the membership tells it only once they have left.
    private readonly ConcurrentDictionary<SiloAddress, bool> _leaving = [];

    public SiloAddress Here => local.SiloAddress;

    /// <summary>Leaving ones included.</summary>
    public IEnumerable<Node> Active => membership.CurrentSnapshot.Members.Values
        .Where(member => member.Status == SiloStatus.Active)
        .Select(Node.Of)
        .OfType<Node>();

    /// <summary>Keys of the inference grains whose silos are here to stay, in the order of their names, so that they are the same for all.</summary>
    public IReadOnlyList<string> Devices => [.. Active.Where(node => !IsLeaving(node.Address)).Select(node => node.Device).OfType<string>().Distinct().Order(StringComparer.Ordinal)];

    public Node? Find(SiloAddress address) => membership.CurrentSnapshot.Members.TryGetValue(address, out var member) ? Node.Of(member) : null;

    /// <summary>The silo that owns the device, of several lives the last; null where the membership has none.</summary>
    public SiloAddress? FindOwner(string device) => Active.Where(node => node.Device == device).Select(node => node.Address).MaxBy(address => address.Generation);

    /// <summary>Whether the silo was there and will never be again; one that is not known yet may only be new.</summary>
    public bool IsDead(SiloAddress address) => membership.CurrentSnapshot.Members.TryGetValue(address, out var member) && member.Status is SiloStatus.Dead;

    public bool IsLeaving(SiloAddress address) => _leaving.ContainsKey(address);

    public void Leave(SiloAddress address)
    {
        foreach (var gone in _leaving.Keys.Except(membership.CurrentSnapshot.Members.Keys)) _leaving.TryRemove(gone, out _);
        _leaving[address] = true;
    }
}
