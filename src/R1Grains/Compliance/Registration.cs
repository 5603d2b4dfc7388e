namespace R1Grains.Compliance;

public static class Registration
{
    /// <summary>What is kept of the guardrail; needs the registry.</summary>
    public static IServiceCollection AddCompliance(this IServiceCollection services) => services
        .AddSingleton<WordLists>()
        .AddSingleton<Editions>()
        .AddSingleton<HeldTurns>()
        .AddSingleton<Decisions>()
        .AddSingleton<GuardrailMeter>();
}
