using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.Placement;

namespace R1Grains.Cluster;

/// <summary>
/// Places a grain on silos with a role, leaving ones last. A grain whose key begins with a silo's name and a slash can
/// be held to that silo.
/// </summary>
/// <param name="role">Only silos with it are considered.</param>
/// <param name="isPinned">Whether the key names the one silo.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RolePlacementAttribute(Roles role, bool isPinned = false) : PlacementFilterAttribute(new RolePlacement(role, isPinned));

public sealed class RolePlacement(Roles role, bool isPinned) : PlacementFilterStrategy(order: 0)
{
    private const string RoleKey = "r1.role";
    private const string PinnedKey = "r1.pinned";

    // Orleans makes one and then reads into it what the grain's silos told of the grain's class.
    public RolePlacement() : this(Roles.None, false)
    {
    }

    public Roles Role { get; private set; } = role;

    public bool IsPinned { get; private set; } = isPinned;

    public override void AdditionalInitialize(Orleans.Metadata.GrainProperties properties)
    {
        Role = Enum.Parse<Roles>(GetPlacementFilterGrainProperty(RoleKey, properties)!);
        IsPinned = bool.Parse(GetPlacementFilterGrainProperty(PinnedKey, properties)!);
    }

    protected override IEnumerable<KeyValuePair<string, string>> GetAdditionalGrainProperties(
        IServiceProvider services, Type grainClass, GrainType grainType, IReadOnlyDictionary<string, string> existingProperties) =>
        [new(RoleKey, Role.ToString()), new(PinnedKey, IsPinned.ToString())];
}

internal sealed class RolePlacementDirector(Nodes nodes) : IPlacementFilterDirector
{
    public IEnumerable<SiloAddress> Filter(PlacementFilterStrategy filterStrategy, PlacementTarget target, IEnumerable<SiloAddress> silos)
    {
        var wanted = (RolePlacement)filterStrategy;
        var key = target.GrainIdentity.Key.ToString()!;
        var able = silos.Where(silo => nodes.Find(silo) is { } node && node.Roles.HasFlag(wanted.Role)
            && (!wanted.IsPinned || key.StartsWith($"{node.Name}/", StringComparison.Ordinal))).ToList();
        var staying = able.FindAll(silo => !nodes.IsLeaving(silo));
        return staying.Count > 0 ? staying : able;
    }
}
