namespace R1Grains.Knowledge;

public static class Registration
{
    /// <summary>Needs the record.</summary>
    /// <exception cref="Operations.StartFailure">A tenant's folder cannot be used.</exception>
    public static IServiceCollection AddKnowledge(this IServiceCollection services, string tenantsFolder)
    {
        var tenants = new Tenants(tenantsFolder);
        return services
            .AddSingleton(tenants)
            .AddSingleton(tenants.Lexicons)
            .AddHostedService<EditionFeed>();
    }

    /// <summary>Needs the registry and the model.</summary>
    public static IServiceCollection AddProvisionedTenants(this IServiceCollection services) => services.AddSingleton<TenantUpdates>().AddHostedService<ProvisionedTenants>();
}
