using Orleans.CodeGeneration;
using Orleans.Concurrency;
using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>
/// The address of one device's engine. The key is <c>silo/device</c>. A silo opens one stream, over which everything
/// comes that happens to its replies: one message to each silo for a step of the device or a few, however many rows it has.
/// </summary>
[Alias("r1.IInferenceGrain"), Version(1)]
public interface IInferenceGrain : IGrainWithStringKey
{
    /// <summary>
    /// Opens the silo's stream; the first step is empty and says that it is open. No silence is longer than
    /// <see cref="InferenceGrain.Beat"/>. Leaving the enumeration ends the replies.
    /// </summary>
    /// <param name="link">Names the stream, for <see cref="Submit"/>.</param>
    /// <param name="reader">Whose stream it is: when this silo is dead, its replies end.</param>
    [Alias("Steps")]
    IAsyncEnumerable<Step> Steps(Guid link, SiloAddress reader);

    /// <summary>Submits a reply, and returns when the engine has admitted it.</summary>
    /// <param name="reply">Its number on the stream.</param>
    /// <returns>The fingerprint of the device's arithmetic, see <see cref="InferenceEngine.Numerics"/>.</returns>
    /// <exception cref="Conversations.RefusedException">The engine did not admit it, or there is no such stream.</exception>
    [Alias("Submit"), AlwaysInterleave]
    Task<string> Submit(Guid link, int reply, GenerationRequest request);

    /// <summary>Nobody reads the reply any more: it ends at the next step.</summary>
    [Alias("Leave"), AlwaysInterleave, OneWay]
    Task Leave(Guid link, int reply);

    /// <summary>Lets go of every kept prefix of the tenant.</summary>
    [Alias("Forget"), AlwaysInterleave]
    Task Forget(string tenant);

    /// <inheritdoc cref="InferenceEngine.Numerics"/>
    [Alias("GetNumerics"), AlwaysInterleave]
    Task<string> GetNumerics();

    /// <summary>How long a request submitted now with so many tokens to compute is expected to wait for its first token.</summary>
    /// <exception cref="Conversations.RefusedException">The device takes no more requests.</exception>
    [Alias("PredictFirstToken"), AlwaysInterleave]
    Task<TimeSpan> PredictFirstToken(int tokens);
}
