using Orleans.Runtime;
using R1Grains.Engine;

namespace R1Grains.Inference;

public static class Registration
{
    /// <summary>Loading happens when the engine is first asked for, and takes as long as the model is large.</summary>
    public static IServiceCollection AddInference(this IServiceCollection services, EngineOptions options) => services
        .AddSingleton(provider =>
        {
            var engine = InferenceEngine.Load(options, provider.GetRequiredService<TimeProvider>());
            if (engine.CutNotice is { } notice) Log.Noticed(provider.GetRequiredService<ILogger<InferenceEngine>>(), notice);
            return engine;
        })
        .AddSingleton(provider => provider.GetRequiredService<InferenceEngine>().Model)
        .AddSingleton(provider => new InferenceRouter(
            provider.GetRequiredService<IGrainFactory>(),
            [$"{provider.GetRequiredService<ILocalSiloDetails>().Name}/0"],
            provider.GetRequiredService<TimeProvider>()));
}
