using Orleans.Runtime;

namespace R1Grains.Cluster;

/// <summary>
/// What the silos of a cluster know of each other. It stands in the membership itself, as the silo's name there, so that
/// it is known as soon as the silo is, and needs no answer from it.
/// </summary>
/// <param name="Name">Stable over restarts, unlike the address.</param>
/// <param name="Device">Key of the inference grain that it owns; null where it owns none.</param>
public sealed record Node(SiloAddress Address, string Name, Roles Roles, string? Device)
{
    /// <summary>The name in the membership, e.g. <c>pod-3:Conversation+Inference</c>.</summary>
    public static string SiloName(string name, Roles roles) => $"{name}:{roles.ToString().Replace(", ", "+", StringComparison.Ordinal)}";

    /// <summary>Null for a member that is none of ours.</summary>
    public static Node? Of(ClusterMember member)
    {
        var parts = (member.Name ?? "").Split(':');
        if (parts.Length != 2 || !Enum.TryParse<Roles>(parts[1].Replace('+', ','), out var roles)) return null;
        return new(member.SiloAddress, parts[0], roles, roles.HasFlag(Roles.Inference) ? $"{parts[0]}/0" : null);
    }
}
