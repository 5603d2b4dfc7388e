namespace R1Grains.Ledger;

/// <summary>Where a text met an entry of a lexicon. The word stands in the text and in the lexicon, and not here.</summary>
/// <param name="Start">In UTF-16 units of the text, from 0.</param>
/// <param name="End">The unit after its last.</param>
/// <param name="Entry">Names it in the lexicon.</param>
/// <param name="Level">1 to 9, the gravest last.</param>
public sealed record LexiconHit(HitPlace Place, int Start, int End, ulong Entry, string Category, int Level, HitAction Action);

/// <remarks>The numbers are part of the record's format.</remarks>
public enum HitPlace
{
    Input = 1,

    /// <summary>What the model said: of it the record holds what was released.</summary>
    Answer = 2,
    Reasoning = 3,
}

/// <remarks>The numbers are part of the record's format.</remarks>
public enum HitAction
{
    /// <summary>Covered.</summary>
    Mask = 1,

    /// <summary>For a person to decide.</summary>
    Review = 2,

    /// <summary>The rest of the answer is replaced.</summary>
    Replace = 3,

    /// <summary>The turn ends.</summary>
    Block = 4,
}
