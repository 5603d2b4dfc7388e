namespace R1Grains.Audit;

/// <summary>The part of a text in which words were found, or its beginning.</summary>
/// <param name="Words">In the excerpt.</param>
internal sealed record Excerpt(string Text, IReadOnlyList<(int Start, int End)> Words, bool IsCutBefore, bool IsCutAfter)
{
    private const int LengthMax = 240;

    /// <summary>Characters before the first word.</summary>
    private const int Before = 60;

    /// <param name="places">Ascending.</param>
    public static Excerpt Of(string text, IReadOnlyList<(int Start, int End)> places)
    {
        var start = places.Count == 0 ? 0 : Math.Max(0, Math.Min(places[0].Start - Before, text.Length - LengthMax));
        var end = Math.Min(text.Length, start + LengthMax);
        // No half of a character.
        if (start > 0 && char.IsLowSurrogate(text[start])) start--;
        if (end < text.Length && char.IsLowSurrogate(text[end])) end++;
        return new(
            text[start..end],
            [.. places.Where(place => place.Start >= start && place.End <= end).Select(place => (place.Start - start, place.End - start))],
            start > 0,
            end < text.Length);
    }
}
