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
    /// <summary>Whole texts outside one's own turns: what the model would see, policy included.</summary>
    ReadTranscripts,
    /// <summary>What the processes do for all tenants together, in numbers: for operators, and never given unless named.</summary>
    WatchCluster,
}

public static class PermissionSet
{
    /// <summary>All that a tenant can give.</summary>
    public static readonly FrozenSet<Permission> All = Enum.GetValues<Permission>().Except([Permission.WatchCluster]).ToFrozenSet();

    /// <summary>Those of operators, too.</summary>
    public static readonly FrozenSet<Permission> Known = Enum.GetValues<Permission>().ToFrozenSet();

    private static readonly FrozenDictionary<string, Permission> ByName = Known.ToFrozenDictionary(Name);

    public static string Name(this Permission permission) => JsonNamingPolicy.SnakeCaseLower.ConvertName(permission.ToString());

    /// <summary>Null for a name that this version does not know.</summary>
    public static Permission? Find(string name) => ByName.TryGetValue(name, out var permission) ? permission : null;
}
