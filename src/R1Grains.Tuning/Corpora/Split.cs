namespace R1Grains.Tuning.Corpora;

public enum Split
{
    Train,
    HeldOut,
}

/// <summary>
/// What training never sees, decided by a stable hash of the thing itself, so that no list has to be kept and no
/// seed can leak an evaluation item into a corpus.
/// </summary>
internal static class Reserve
{
    /// <summary>A value as written, e.g. <c>680元</c>: one in ten.</summary>
    public static Split OfValue(string value) => Share('v', Figures.Normal(value), 10);

    /// <summary>The invented part of a product name without its type words (Chinese: its first two characters): one in eight.</summary>
    public static Split OfStem(string stem) => Share('s', stem, 8);

    /// <summary>A whole product name: one in ten.</summary>
    public static Split OfName(string name) => Share('n', name, 10);

    /// <summary>A sentence frame with one particular wording of an attribute: one in ten.</summary>
    public static Split OfPairing(Frame frame, string wording) => Share('p', frame.Text + '\n' + wording, 10);

    /// <summary>A whole customer sentence of a procedural turn: one in ten.</summary>
    public static Split OfSentence(string sentence) => Share('q', sentence, 10);

    private static Split Share(char salt, string text, uint parts)
    {
        var hash = (0xCBF29CE484222325UL ^ salt) * 0x100000001B3;
        foreach (var c in text) hash = (hash ^ c) * 0x100000001B3;
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
        return (hash >> 40) % parts == 0 ? Split.HeldOut : Split.Train;
    }
}
