using System.Collections.Concurrent;
using R1Grains.Ledger;
using R1Grains.Ledger.Keys;

namespace R1Grains.Audit;

/// <summary>The tenants' search terms, by the key in force.</summary>
internal sealed class SearchKeys(KeyRing ring)
{
    /// <summary>Terms remember words: of more tenants at once they begin anew.</summary>
    private const int TenantsMax = 64;

    private readonly ConcurrentDictionary<string, (int Version, SearchTerms Terms)> _terms = [];

    /// <exception cref="RecordUnavailableException"/>
    public async Task<SearchTerms> Of(string tenant)
    {
        var (version, key) = (await ring.SearchKeysAsync(tenant))[^1];
        if (_terms.TryGetValue(tenant, out var known) && known.Version == version)
            return known.Terms;
        if (_terms.Count >= TenantsMax)
            _terms.Clear();
        var terms = new SearchTerms(key);
        _terms[tenant] = (version, terms);
        return terms;
    }
}
