namespace R1Grains.Ledger.Search;

/// <summary>What a turn must hold, and when it must have ended.</summary>
/// <param name="Clauses">One term of each; those that few turns hold best come first. None is a query for all.</param>
/// <param name="From">Null for any time.</param>
/// <param name="Until">Comes after the last; null for any time.</param>
public sealed record TermQuery(IReadOnlyList<IReadOnlyCollection<uint>> Clauses, DateTimeOffset? From = null, DateTimeOffset? Until = null)
{
    internal bool IsMetBy(uint[] terms) => Clauses.All(clause => clause.Any(term => Array.BinarySearch(terms, term) >= 0));
}

/// <summary>How the terms of a tenant's turns are made.</summary>
/// <param name="Scheme">Names the key and the version by which they are: terms of another scheme mean nothing.</param>
/// <param name="Of">Those of a turn.</param>
public sealed record IndexTerms(Digest Scheme, Func<ClosedTurn, IEnumerable<uint>> Of)
{
    /// <summary>Of terms that stand for something about a turn; those without it stand for its words, and can be taken out by themselves.</summary>
    public const uint FactBit = 0x8000_0000;
}

/// <summary>Turns that may be what is wanted, the latest first: what they hold is to be looked at, because two words may have one term.</summary>
/// <param name="Leaves">Of their ends.</param>
/// <param name="IsLast">Whether there are no others before the last one.</param>
public sealed record Candidates(IReadOnlyList<long> Leaves, bool IsLast);

/// <summary>How far the index is.</summary>
/// <param name="Scheme">Of its terms; null before anything was looked at.</param>
/// <param name="Leaves">Of the tenant's tree, that have been looked at.</param>
/// <param name="TreeLeaves">That there are; 0 where nothing is recorded.</param>
public sealed record IndexState(Digest? Scheme, long Leaves, long TreeLeaves);
