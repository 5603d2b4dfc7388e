using R1Grains.Conversations;
using R1Grains.Ledger;
using R1Grains.Ledger.Search;

namespace R1Grains.Audit;

/// <summary>Finds ended turns by the index, and looks at what they hold before it tells of them.</summary>
internal sealed class TranscriptSearch(IRecord record, TranscriptIndex index, SearchKeys keys, Restrictions restrictions)
{
    /// <summary>More are not looked at for one page, which is then a short one.</summary>
    private const int LookedAtMax = 5_000;

    /// <summary>As many as one statement reads.</summary>
    private const int AtOnce = 64;

    /// <summary>The latest first.</summary>
    /// <param name="before">Where the page before ended; null for the first.</param>
    /// <param name="withRestricted">Also of customers whose words are about to be erased.</param>
    /// <exception cref="RefusedException"/>
    public async Task<FoundPage> Find(string tenant, SearchedWords words, TranscriptFilter filter, long? before, int count, bool withRestricted, CancellationToken cancellation)
    {
        var terms = await keys.Of(tenant);
        var state = await index.ReadStateAsync(tenant, cancellation);
        if (state.Scheme is { } scheme && scheme != terms.Scheme)
            throw new RefusedException(new(Reason.SearchIndexOutdated, $"the search index of tenants/{tenant} was built with another key, or by another version: an operator has it built anew with 'r1 tenants reindex {tenant}'"));
        var query = terms.Query(words, filter);
        var (found, looked) = (new List<FoundTurn>(), 0);
        while (true)
        {
            var (leaves, isLast) = await index.FindAsync(tenant, query, before, AtOnce, cancellation);
            foreach (var turn in (await record.ReadClosedTurnsAsync(tenant, leaves, cancellation)).Reverse())
            {
                if (found.Count == count)
                    return new(found, before, state);
                if ((withRestricted || !restrictions.Covers(turn)) && filter.Takes(turn) && FoundTurn.Of(turn, words) is { } match)
                    found.Add(match);
                before = turn.Leaf;
            }
            looked += leaves.Count;
            if (isLast)
                return new(found, null, state);
            if (found.Count == count || looked >= LookedAtMax)
                return new(found, before, state);
        }
    }
}

/// <param name="Next">Where the next page begins; null after the last.</param>
internal sealed record FoundPage(IReadOnlyList<FoundTurn> Turns, long? Next, IndexState Index);

/// <param name="Question">Masked.</param>
/// <param name="Answer">As it was shown.</param>
/// <param name="Places">Of the words, in question (0) and answer (1).</param>
internal sealed record FoundTurn(ClosedTurn Turn, string Question, string Answer, IReadOnlyList<(int Text, int Start, int End)> Places)
{
    /// <summary>Null where a word is missing.</summary>
    public static FoundTurn? Of(ClosedTurn turn, SearchedWords words)
    {
        var texts = SearchTerms.Texts(turn);
        return words.Find([.. texts.Select(FoldedText.Of)]) is { } places ? new(turn, texts[0], texts[1], places) : null;
    }
}
