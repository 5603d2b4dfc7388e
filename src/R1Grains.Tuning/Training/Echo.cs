namespace R1Grains.Tuning.Training;

/// <summary>
/// Random sequences that come twice, with other tokens before and between. They teach to find and copy what stands
/// earlier in the context, for every token alike, long before dialogues alone would.
/// </summary>
public static class Echo
{
    private const int LengthMin = 8, LengthMax = 48, GapMax = 40, SmallAlphabet = 12;

    /// <param name="vocabulary">Ids to draw from.</param>
    /// <returns>Samples of which the repetition is supervised, from its second token on.</returns>
    public static IEnumerable<Sample> Samples(int count, IReadOnlyList<int> vocabulary, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            // Few different tokens: one is not enough to know the place, as with the digits of a figure.
            var drawn = random.Next(3) > 0 ? vocabulary : [.. Enumerable.Range(0, SmallAlphabet).Select(_ => vocabulary[random.Next(vocabulary.Count)])];
            int[] Random(int length) => [.. Enumerable.Range(0, length).Select(_ => drawn[random.Next(drawn.Count)])];
            var said = Random(random.Next(LengthMin, LengthMax + 1));
            int[] before = [.. Random(1 + random.Next(GapMax)), .. said, .. Random(random.Next(GapMax))];
            var supervised = new bool[before.Length + said.Length];
            Array.Fill(supervised, true, before.Length + 1, said.Length - 1);
            yield return new Sample([.. before, .. said], supervised);
        }
    }
}
