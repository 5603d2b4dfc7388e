using System.Collections.Concurrent;
using System.Security.Cryptography;
using R1Grains.Ledger;

namespace R1Grains.Audit;

/// <summary>The keys of the tenants' search terms, made where they are missing.</summary>
internal sealed class SearchKeys(IRegistry registry, TimeProvider time)
{
    private const string Kind = "search-key";

    /// <summary>Terms remember words: of more tenants at once they begin anew.</summary>
    private const int TenantsMax = 64;

    private readonly ConcurrentDictionary<string, SearchTerms> _terms = [];

    /// <exception cref="RecordUnavailableException"/>
    public async Task<SearchTerms> Of(string tenant)
    {
        if (_terms.TryGetValue(tenant, out var known))
            return known;
        if (_terms.Count >= TenantsMax)
            _terms.Clear();
        return _terms.GetOrAdd(tenant, new SearchTerms(await Find(tenant) ?? await Make(tenant)));
    }

    private async Task<byte[]?> Find(string tenant) => (await registry.FindAsync(new(IRegistry.Cluster, Kind, tenant)))?.Content;

    private async Task<byte[]> Make(string tenant)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        try
        {
            await registry.ChangeAsync(
                new() { Tenant = IRegistry.Cluster, Time = time.GetUtcNow(), Actor = "r1grains", Action = "search.key.make", Resource = $"tenants/{tenant}" },
                [new(Kind, tenant, 0, key)]);
            return key;
        }
        catch (DocumentConflictException)
        {
            return await Find(tenant) ?? throw new RecordUnavailableException($"the search key of tenants/{tenant} was made and is gone");
        }
    }
}
