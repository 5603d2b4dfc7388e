using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>The lists of the tenants. Every change stands in the tenant's administrative record.</summary>
public sealed class WordLists(IRegistry registry, TimeProvider time)
{
    public const int ListsMax = 100;

    // They come with their entries.
    private const int PageMax = 20;

    /// <exception cref="RefusedException"/>
    public async Task<WordList> Find(string tenant, string id) => (await Read(tenant, id)).List ?? throw Missing(tenant, id);

    /// <summary>In the order of their ids.</summary>
    /// <param name="after">Null for the first page, else the id of the last one of the page before.</param>
    /// <returns>The lists, and the id after which there may be more.</returns>
    public async Task<(IReadOnlyList<WordList> Lists, string? Next)> List(string tenant, int count, string? after)
    {
        var size = Math.Min(count, PageMax);
        var page = await registry.ListAsync(tenant, WordList.Kind, size, after);
        return ([.. page.Select(document => WordList.Of(document).List).OfType<WordList>()], page.Count == size ? page[^1].Key.Id : null);
    }

    public async Task<IReadOnlyList<WordList>> All(string tenant)
    {
        List<WordList> all = [];
        for (string? after = null; ;)
        {
            var (lists, next) = await List(tenant, PageMax, after);
            all.AddRange(lists);
            if ((after = next) is null) return all;
        }
    }

    /// <exception cref="RefusedException"/>
    public async Task<WordList> Create(string tenant, string id, string title, IReadOnlyList<LexiconEntry> entries, Authorship by)
    {
        if ((await All(tenant)).Count is var count && count >= ListsMax)
            throw new RefusedException(new(Reason.WordListsFull, $"tenants/{tenant} has {count} lists, at most {ListsMax} are kept: delete one, or put the words into another"));
        return await Change("word-list.create", tenant, id, by, found => found is null
            ? WordList.Write(title, entries, by, time.GetUtcNow())
            : throw new RefusedException(new(Reason.WordListExists, $"tenants/{tenant}/wordLists/{id} exists already: choose another word_list_id, or update it")));
    }

    /// <param name="etag">The version of the state that is replaced.</param>
    /// <exception cref="RefusedException"/>
    public Task<WordList> Update(string tenant, string id, string etag, string title, IReadOnlyList<LexiconEntry> entries, Authorship by) =>
        Change("word-list.update", tenant, id, by, found =>
        {
            Require(found, tenant, id, etag);
            return WordList.Write(title, entries, by, time.GetUtcNow());
        });

    /// <inheritdoc cref="Update"/>
    public Task Delete(string tenant, string id, string etag, Authorship by) =>
        Change("word-list.delete", tenant, id, by, found =>
        {
            Require(found, tenant, id, etag);
            return WordList.Write("", null, by, time.GetUtcNow());
        });

    private async Task<WordList> Change(string action, string tenant, string id, Authorship by, Func<WordList?, byte[]> content)
    {
        while (true)
        {
            var (list, last, version) = await Read(tenant, id);
            if (last is not null && (last.Subject, last.RequestId) == (by.Subject, by.RequestId))
                return last == by ? list ?? Gone(tenant, id, by) : throw Refuse.Reused(by.RequestId);
            var record = new AdministrativeRecord { Tenant = tenant, Time = time.GetUtcNow(), Actor = by.Subject, Action = action, Resource = $"tenants/{tenant}/wordLists/{id}" };
            var change = new DocumentChange(WordList.Kind, id, version, content(list));
            try
            {
                await registry.ChangeAsync(record, [change]);
            }
            catch (DocumentConflictException)
            {
                // Somebody was faster; maybe the same request.
                continue;
            }
            return (await Read(tenant, id)).List ?? Gone(tenant, id, by);
        }
    }

    private async Task<(WordList? List, Authorship? Last, long Version)> Read(string tenant, string id)
    {
        if (await registry.FindAsync(new(tenant, WordList.Kind, id)) is not { } document) return (null, null, 0);
        var (list, by) = WordList.Of(document);
        return (list, by, document.Version);
    }

    private static void Require(WordList? found, string tenant, string id, string etag)
    {
        if (found is null) throw Missing(tenant, id);
        Etag.Parse(etag, found.Version);
    }

    private static WordList Gone(string tenant, string id, Authorship by) => new(tenant, id, 0, "", [], by, default);

    private static RefusedException Missing(string tenant, string id) => new(new(Reason.WordListNotFound, $"tenants/{tenant}/wordLists/{id} does not exist"));
}
