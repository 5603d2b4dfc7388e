using System.Collections.Frozen;

namespace R1Grains.Access;

/// <summary>What people and programs are appointed to: a named set of permissions.</summary>
public sealed class Role
{
    private static readonly FrozenDictionary<string, Role> ByName = new Role[]
    {
        new("customer-channel",
            Permission.CreateConversations, Permission.ReadConversations, Permission.CompleteConversations,
            Permission.SendTurns, Permission.ReadTurns, Permission.CancelTurns),
        new("agent",
            Permission.CreateConversations, Permission.ReadConversations, Permission.CompleteConversations, Permission.WatchConversations,
            Permission.SendTurns, Permission.ReadTurns, Permission.CancelTurns, Permission.ReadContextWindows, Permission.LiftMasks),
        new("supervisor",
            Permission.CreateConversations, Permission.ReadConversations, Permission.CompleteConversations, Permission.WatchConversations,
            Permission.SendTurns, Permission.ReadTurns, Permission.CancelTurns, Permission.ReadContextWindows, Permission.LiftMasks,
            Permission.ReadRedacted, Permission.Erase, Permission.ReviewTurns, Permission.ManageGuardrails),
        new("auditor",
            Permission.ReadConversations, Permission.ReadRedacted, Permission.ReadAuditEvents, Permission.VerifyLedger),
        new("auditor-full",
            Permission.ReadConversations, Permission.ReadRedacted, Permission.ReadAuditEvents, Permission.VerifyLedger, Permission.ReadTurns, Permission.ReadContextWindows,
            Permission.ReadFull, Permission.ReadReasoning, Permission.ReadRestricted, Permission.Export, Permission.ReplayTurns, Permission.ManageLegalHolds),
        new("operator",
            Permission.ManageTenants, Permission.ManageKeys, Permission.WatchCluster, Permission.InspectContract, Permission.ApproveModels),
        new("model-engineer",
            Permission.ReadConversations, Permission.ReadRedacted, Permission.ReplayTurns, Permission.PromoteModels, Permission.InspectContract),
        new("security-officer",
            Permission.ManageAccess, Permission.ManageGuardrails, Permission.ApproveGuardrails, Permission.ApproveErasure,
            Permission.ManageLegalHolds, Permission.ReadAuditEvents, Permission.VerifyLedger, Permission.InspectContract),
    }.ToFrozenDictionary(role => role.Name);

    private Role(string name, params Permission[] permissions) => (Name, Permissions) = (name, permissions.ToFrozenSet());

    public static IEnumerable<Role> All => ByName.Values.OrderBy(role => role.Name, StringComparer.Ordinal);

    public string Name { get; }

    public FrozenSet<Permission> Permissions { get; }

    /// <summary>Given by the issuer of tokens alone, because it reaches beyond a tenant.</summary>
    public bool IsOfCluster => Permissions.Overlaps(PermissionSet.OfCluster);

    /// <summary>Whether a program may have it. What else there is proposes, decides or reads in somebody's name: that takes a person, and whoever makes keys would be two.</summary>
    public bool IsForPrograms => Name is "customer-channel" or "agent";

    /// <summary>Null for a name that this version does not know.</summary>
    public static Role? Find(string name) => ByName.GetValueOrDefault(name);
}
