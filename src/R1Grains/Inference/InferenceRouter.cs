using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Inference;

/// <summary>Chooses the device that answers a conversation.</summary>
/// <param name="devices">Keys of inference grains.</param>
public sealed class InferenceRouter(IGrainFactory grains, IReadOnlyList<string> devices, TimeProvider time)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    /// <summary>Submits the request to the device that holds the conversation's prefix, else to the less loaded of two.</summary>
    /// <param name="holder">The device that answered last, if any.</param>
    public async ValueTask<Generation> Submit(GenerationRequest request, string? holder)
    {
        var device = await Choose(holder);
        return new(device, grains.GetGrain<IInferenceGrain>(device).Generate(request).GetAsyncEnumerator(), Silence, time);
    }

    /// <summary>The fingerprint of each device's arithmetic, by device.</summary>
    public async Task<IReadOnlyDictionary<string, Digest>> Numerics()
    {
        var numerics = await Task.WhenAll(devices.Select(device => grains.GetGrain<IInferenceGrain>(device).GetNumerics()));
        return devices.Zip(numerics, KeyValuePair.Create).ToDictionary(pair => pair.Key, pair => Digest.Parse(pair.Value));
    }

    private async ValueTask<string> Choose(string? holder)
    {
        if (holder is not null && devices.Contains(holder)) return holder;
        if (devices.Count == 1) return devices[0];
        var pair = devices.ToArray();
        Random.Shared.Shuffle(pair);
        var loads = await Task.WhenAll(pair.Take(2).Select(device => grains.GetGrain<IInferenceGrain>(device).GetLoad()));
        return loads[0] <= loads[1] ? pair[0] : pair[1];
    }
}
