using System.Collections.Frozen;

namespace R1Grains.Access;

/// <summary>Who calls, for which tenant, and what they may do there.</summary>
/// <param name="Subject">The caller's own name within the tenant, as the issuer of their token gives it; a key's is its name.</param>
public sealed record Caller(string Tenant, string Subject, FrozenSet<Permission> Permissions)
{
    public const int SubjectLengthMax = 128;

    /// <summary>Stands for everyone on this machine while the process listens on loopback only.</summary>
    public static readonly Caller Development = new("demo", "dev", PermissionSet.All);

    public bool May(Permission permission) => Permissions.Contains(permission);

    public static bool IsSubject(string text) => text.Length is >= 1 and <= SubjectLengthMax && !text.Any(char.IsControl);
}
