using R1Grains.Conversations;

namespace R1Grains.Access;

public static class Access
{
    /// <summary>
    /// Passes, or refuses: what belongs to another tenant is answered as missing, so that its existence stays unknown;
    /// what the caller may see but not do is answered with the permission they lack.
    /// </summary>
    /// <exception cref="RefusedException"/>
    public static void Require(Caller caller, Permission permission, ResourceName resource)
    {
        if (caller.Tenant != resource.Tenant)
            throw new RefusedException(new(
                resource is TenantName ? Reason.TenantNotFound : Reason.ConversationNotFound,
                $"{resource} is not of tenants/{caller.Tenant}"));
        if (!caller.Permissions.Contains(permission))
            throw new RefusedException(new Refusal(
                Reason.PermissionDenied,
                $"caller {Refuse.Quote(caller.Subject)} lacks the permission {permission.Name()} for {resource}: use a token that carries it")
                .With("permission", permission.Name())
                .With("resource", resource.ToString()));
    }

    /// <summary>Passes whoever may watch the cluster, which belongs to no tenant.</summary>
    /// <param name="caller">Null for one without a token; on this machine, too.</param>
    /// <exception cref="RefusedException"/>
    public static void RequireOperator(Caller? caller)
    {
        if (caller is null)
            throw new RefusedException(new(Reason.Unauthenticated, "no token: give one as the password, or send it as 'Authorization: Bearer {token}'"));
        if (!caller.Permissions.Contains(Permission.WatchCluster))
            throw new RefusedException(new Refusal(
                Reason.PermissionDenied, $"caller {Refuse.Quote(caller.Subject)} lacks the permission {Permission.WatchCluster.Name()}: use a token that carries it"));
    }

    public static bool Allows(Caller caller, Permission permission, ResourceName resource) =>
        caller.Tenant == resource.Tenant && caller.Permissions.Contains(permission);
}
