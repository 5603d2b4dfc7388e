using R1Grains.Engine;

namespace R1Grains.LoadTests.Engine;

internal static class Prompts
{
    // Random weights neither know nor care; what matters is that prompts share no more than they are meant to.
    private const int AddedTokensMax = 16;

    /// <summary>Random ids, the same for the same seed; none of them special.</summary>
    public static int[] Of(Model model, int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(model.Tokenizer.VocabularySize - AddedTokensMax))];
    }
}
