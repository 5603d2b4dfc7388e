using System.Collections.Frozen;
using System.Text.Json;

namespace R1Grains.Access;

/// <summary>What a caller may be allowed to do within their tenant. In tokens the names are in snake case, e.g. <c>send_turns</c>.</summary>
public enum Permission
{
    CreateConversations,
    ReadConversations,
    CompleteConversations,
    WatchConversations,
    ReadContextWindows,
    SendTurns,
    ReadTurns,
    CancelTurns,
    /// <summary>Work for a device, and the token ids of a reply where they differ.</summary>
    ReplayTurns,
    /// <summary>Transcripts in which personal data are covered.</summary>
    ReadRedacted,
    /// <summary>Whole texts outside one's own turns: transcripts, and what the model would see, policy included.</summary>
    ReadFull,
    /// <summary>Transcripts of customers whose words are about to be erased, beside what else it takes to read them.</summary>
    ReadRestricted,
    /// <summary>The model's reasoning, which no customer sees.</summary>
    ReadReasoning,
    /// <summary>See a covered item of a customer's personal data, one at a time.</summary>
    LiftMasks,
    Export,
    /// <summary>Ask for a customer's words to be erased; another has to agree.</summary>
    Erase,
    ApproveErasure,
    ManageLegalHolds,
    /// <summary>Who did what: administrative and access records.</summary>
    ReadAuditEvents,
    /// <summary>Have everything that is recorded recomputed: work for the record, of which no word is shown.</summary>
    VerifyLedger,
    /// <summary>Word lists, texts tried on them, and proposals of editions; another has to agree.</summary>
    ManageGuardrails,
    /// <summary>To put what somebody else proposed into force, and to reject it.</summary>
    ApproveGuardrails,
    /// <summary>To read what waits for a person, and to decide about it.</summary>
    ReviewTurns,
    /// <summary>Propose a model for service; another has to agree.</summary>
    PromoteModels,
    ApproveModels,
    /// <summary>Roles of others, and keys.</summary>
    ManageAccess,
    /// <summary>The contract as the server tells it by reflection.</summary>
    InspectContract,
    /// <summary>Which tenants there are: for operators, and never given unless named.</summary>
    ManageTenants,
    /// <summary>What the processes do for all tenants together, in numbers: for operators, and never given unless named.</summary>
    WatchCluster,
    /// <summary>Which keys the record has, and other ones in their place: for operators, and never given unless named.</summary>
    ManageKeys,
}

public static class PermissionSet
{
    /// <summary>Those that belong to no tenant: what a tenant gives is never one of them.</summary>
    public static readonly FrozenSet<Permission> OfCluster = [Permission.ManageTenants, Permission.WatchCluster, Permission.ManageKeys];

    /// <summary>Those of operators, too.</summary>
    public static readonly FrozenSet<Permission> Known = Enum.GetValues<Permission>().ToFrozenSet();

    /// <summary>All that a tenant can give.</summary>
    public static readonly FrozenSet<Permission> All = Known.Except(OfCluster).ToFrozenSet();

    private static readonly FrozenDictionary<string, Permission> ByName = Known.ToFrozenDictionary(Name);

    public static string Name(this Permission permission) => JsonNamingPolicy.SnakeCaseLower.ConvertName(permission.ToString());

    /// <summary>Null for a name that this version does not know.</summary>
    public static Permission? Find(string name) => ByName.TryGetValue(name, out var permission) ? permission : null;
}
