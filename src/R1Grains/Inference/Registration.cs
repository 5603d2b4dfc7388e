using R1Grains.Engine;
using R1Grains.Engine.Models;

namespace R1Grains.Inference;

public static class Registration
{
    /// <summary>From a turn to a device of the cluster. Every silo reads the model's folder, for tokens and templates; only a device loads the weights.</summary>
    /// <param name="ownsDevice">Whether this silo has a device. Loading happens when its engine is first asked for, and takes as long as the model is large.</param>
    public static IServiceCollection AddInference(this IServiceCollection services, EngineOptions options, bool ownsDevice)
    {
        services.AddSingleton<InferenceRouter>();
        return ownsDevice
            ? services.AddSingleton(provider => Load(options, provider)).AddSingleton(provider => provider.GetRequiredService<InferenceEngine>().Model)
            : services.AddSingleton(_ => ModelFolder.Open(options.Folder).Model);
    }

    private static InferenceEngine Load(EngineOptions options, IServiceProvider provider)
    {
        var engine = InferenceEngine.Load(options, provider.GetRequiredService<TimeProvider>());
        if (engine.CutNotice is { } notice) Log.Noticed(provider.GetRequiredService<ILogger<InferenceEngine>>(), notice);
        return engine;
    }
}
