namespace R1Grains.Knowledge;

public static class Registration
{
    /// <exception cref="Operations.StartFailure">A tenant's folder cannot be used.</exception>
    public static IServiceCollection AddKnowledge(this IServiceCollection services, string tenantsFolder) =>
        services.AddSingleton(new Tenants(tenantsFolder));
}
