namespace R1Grains.Audit;

public static class Registration
{
    /// <summary>Needs the record and the router.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services) => services.AddSingleton<TurnReplay>();
}
