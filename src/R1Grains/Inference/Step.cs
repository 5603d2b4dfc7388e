using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>What happened to the replies of one silo since the step before; empty as a sign of life.</summary>
/// <param name="Replies">Whose, as the silo numbered them.</param>
/// <param name="Emissions">In the order in which they happened.</param>
/// <param name="Lost">Set in the last step of a device that ends: what it has not finished, another one has to.</param>
[GenerateSerializer, Immutable, Alias("r1.Step")]
public readonly record struct Step([property: Id(0)] int[] Replies, [property: Id(1)] Emission[] Emissions, [property: Id(2)] string? Lost = null)
{
    public static readonly Step Empty = new([], []);
}
