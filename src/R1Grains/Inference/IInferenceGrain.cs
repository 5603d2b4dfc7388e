using Orleans.Concurrency;
using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>The address of one device's engine. The key is <c>silo/device</c>.</summary>
[Alias("r1.IInferenceGrain")]
public interface IInferenceGrain : IGrainWithStringKey
{
    /// <summary>
    /// Submits a reply and streams what happens to it. The first emission, <see cref="EmissionKind.Admitted"/>, comes as
    /// soon as the engine has admitted the request; from then on no silence is longer than
    /// <see cref="InferenceGrain.Beat"/>, during which the last state is repeated. Leaving the enumeration ends the reply.
    /// </summary>
    /// <exception cref="Conversations.RefusedException">The engine did not admit it.</exception>
    [Alias("Generate")]
    IAsyncEnumerable<Emission> Generate(GenerationRequest request);

    /// <summary>The fingerprint of the device's arithmetic, see <see cref="InferenceEngine.Numerics"/>.</summary>
    [Alias("GetNumerics"), AlwaysInterleave]
    Task<string> GetNumerics();

    /// <summary>Requests running and waiting.</summary>
    [Alias("GetLoad"), AlwaysInterleave]
    Task<int> GetLoad();
}
