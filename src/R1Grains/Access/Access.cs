using R1Grains.Conversations;

namespace R1Grains.Access;

public static class Access
{
    private const string LackingKey = "permission";

    /// <summary>
    /// Passes, or refuses: what belongs to another tenant is answered as missing, so that its existence stays unknown;
    /// what the caller may see but not do is answered with the permission they lack.
    /// </summary>
    /// <exception cref="RefusedException"/>
    public static void Require(Caller caller, Permission permission, ResourceName resource)
    {
        RequireTenant(caller, resource);
        if (!caller.May(permission))
            throw Lacks(caller, permission, resource);
    }

    /// <summary>Passes whoever has a permission that concerns no tenant's things.</summary>
    /// <exception cref="RefusedException"/>
    public static void Require(Caller caller, Permission permission)
    {
        if (!caller.May(permission))
            throw Lacks(caller, permission, null);
    }

    /// <exception cref="RefusedException">As missing.</exception>
    public static void RequireTenant(Caller caller, ResourceName resource)
    {
        if (caller.Tenant != resource.Tenant)
            throw new RefusedException(new(resource.Missing, $"{resource} is not of tenants/{caller.Tenant}"));
    }

    /// <summary>The permission whose lack is refused; null where it is something else.</summary>
    public static Permission? Lacking(Refusal refusal) => refusal.Metadata?.GetValueOrDefault(LackingKey) is { } name ? PermissionSet.Find(name) : null;

    private static RefusedException Lacks(Caller caller, Permission permission, ResourceName? resource)
    {
        var refusal = new Refusal(
            Reason.PermissionDenied,
            $"caller {Refuse.Quote(caller.Subject)} lacks the permission {permission.Name()}{(resource is null ? "" : $" for {resource}")}: use a token that carries it")
            .With(LackingKey, permission.Name());
        return new(resource is null ? refusal : refusal.With("resource", resource.ToString()));
    }
}
