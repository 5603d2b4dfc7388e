using System.Collections.Immutable;

namespace R1Grains.Compliance;

/// <summary>What a lexicon finds in a whole text.</summary>
/// <param name="Lexicon">Its version.</param>
public sealed record Inspection(string Lexicon, ImmutableArray<Hit> Hits)
{
    /// <summary>The gravest of the hits' actions; null without hits.</summary>
    public LexiconAction? Action => Hits.IsEmpty ? null : Hits.Max(hit => hit.Entry.Rule.Action);
}
