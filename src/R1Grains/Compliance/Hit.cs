namespace R1Grains.Compliance;

/// <summary>What was found, and where.</summary>
/// <param name="Start">In UTF-16 units of the source, from 0.</param>
/// <param name="End">The unit after its last.</param>
/// <param name="Released">What could be released before the character that decided: nothing of it can be taken back.</param>
[GenerateSerializer, Immutable, Alias("r1.Hit")]
public readonly record struct Hit(
    [property: Id(0)] int Start, [property: Id(1)] int End, [property: Id(2)] LexiconEntry Entry, [property: Id(3)] Disguise Disguise, [property: Id(4)] int Released);

/// <summary>By which reading it was found.</summary>
public enum Disguise
{
    None,
    Pinyin,
    Leet,
}
