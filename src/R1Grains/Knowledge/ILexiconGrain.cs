using System.Collections.Immutable;
using Orleans.CodeGeneration;
using R1Grains.Compliance;
using R1Grains.Conversations;

namespace R1Grains.Knowledge;

/// <summary>A tenant's lexicon, asked where turns are checked. The key is the tenant. Callers have been authorised before they reach it.</summary>
[Alias("r1.ILexiconGrain"), Version(1)]
public interface ILexiconGrain : IGrainWithStringKey
{
    /// <exception cref="RefusedException">There is no such candidate, or it cannot be built.</exception>
    [Alias("Test")]
    Task<TextVerdict> Test(TextTrial trial, CancellationToken cancellation = default);
}

public enum Candidate
{
    /// <summary>What is in force.</summary>
    None,
    /// <summary>All drafts.</summary>
    WordLists,
    WordList,
    Proposal,
    Edition,
}

/// <param name="Id">Of a word list or a proposal.</param>
/// <param name="Number">Of an edition.</param>
/// <param name="Day">Null for today.</param>
[GenerateSerializer, Immutable, Alias("r1.TextTrial")]
public sealed record TextTrial(
    [property: Id(0)] string Text,
    [property: Id(1)] LexiconScope Scope,
    [property: Id(2)] string Language,
    [property: Id(3)] DateOnly? Day,
    [property: Id(4)] Candidate Candidate,
    [property: Id(5)] string Id,
    [property: Id(6)] int Number)
{
    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"trial of {Text.Length} characters";
}

/// <param name="Outcome">The gravest of what would be done; <see cref="LexiconAction.Allow"/> for nothing.</param>
/// <param name="Shown">To the model, or to the customer.</param>
/// <param name="Lexicon">Version.</param>
/// <param name="Edition">In force; 0 for none, or where a candidate was tried.</param>
[GenerateSerializer, Immutable, Alias("r1.TextVerdict")]
public sealed record TextVerdict(
    [property: Id(0)] LexiconAction Outcome,
    [property: Id(1)] string Shown,
    [property: Id(2)] string NormalForm,
    [property: Id(3)] ImmutableArray<Hit> Hits,
    [property: Id(4)] string Lexicon,
    [property: Id(5)] int Edition)
{
    /// <inheritdoc cref="UserTurn.ToString"/>
    public override string ToString() => $"verdict of {Hits.Length} hits";
}
