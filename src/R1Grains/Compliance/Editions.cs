using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Compliance;

/// <summary>How words come into force: proposed by one person, approved by another, numbered, and never changed again. The words themselves are kept once, under their hash.</summary>
public sealed class Editions(IRegistry registry, WordLists lists, TimeProvider time)
{
    private const string Action = "lexicon.publish";

    // Of the ids of its proposals, which lie beside others.
    private const string Prefix = "lexicon-";
    private const string Words = "lexicon-words";

    // They come with their words.
    private const int PageMax = 20;

    private readonly FourEyes _fourEyes = new(registry, time);

    /// <summary>The words of all the tenant's lists, as they are now.</summary>
    public async Task<IReadOnlyList<LexiconEntry>> Drafts(string tenant) => [.. (await lists.All(tenant)).SelectMany(list => list.Entries).Distinct()];

    /// <param name="restores">An edition to be published once more; null for the lists as they are now.</param>
    /// <exception cref="RefusedException"/>
    public async Task<ProposedEdition> Propose(string tenant, int? restores, string purpose, string subject, string requestId)
    {
        if (restores is { } earlier) purpose = string.Create(CultureInfo.InvariantCulture, $"edition {earlier} again: {purpose}");
        var id = Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{subject}\n{requestId}")))[..20];
        // The same request again finds what it proposed, whatever has become of the lists.
        if (await _fourEyes.FindAsync(tenant, id) is { } known) return known.Purpose == purpose ? await Read(known) : throw Refuse.Reused(requestId);
        var entries = restores is { } number ? (await FindEdition(tenant, number)).Entries : await Drafts(tenant);
        var words = Encoding.UTF8.GetBytes(LexiconFile.Write(entries));
        Require(entries, words);
        var (inForce, _) = await FindInForce(tenant);
        try
        {
            await _fourEyes.ProposeAsync(tenant, id, Action, string.Create(CultureInfo.InvariantCulture, $"tenants/{tenant}/lexiconEditions/{inForce + 1}"), subject, words, purpose);
            return await FindProposal(tenant, id);
        }
        catch (ProposalRefusedException refused)
        {
            throw refused.Refusal is ProposalRefusal.Exists ? Refuse.Reused(requestId) : Refuse.Proposal(refused, Name(tenant, id));
        }
    }

    /// <summary>Puts what was proposed into force.</summary>
    /// <param name="hash">Of what was looked at.</param>
    /// <exception cref="RefusedException"/>
    public async Task<ProposedEdition> Approve(string tenant, string id, string hash, string subject, string purpose)
    {
        while (true)
        {
            var proposed = await FindProposal(tenant, id);
            var proposal = proposed.Proposal;
            if (proposal.State is ProposalState.Approved && proposal.DecidedBy == subject) return proposed;
            if ($"{proposal.PayloadHash}" != hash)
                throw Refuse.Field(Reason.InvalidArgument, "hash", $"{Name(tenant, id)} has the hash {proposal.PayloadHash}: look at it, and send that");
            var (inForce, version) = await FindInForce(tenant);
            if (proposal.State is ProposalState.Pending && proposed.Number != inForce + 1)
                throw new RefusedException(new(Reason.ProposalOutdated, $"{Name(tenant, id)} would be edition {proposed.Number}, and edition {inForce} is in force: propose again"));
            var edition = new Edition(tenant, proposed.Number, proposal.PayloadHash, proposed.Entries.Count, id, proposal.Proposer, subject, time.GetUtcNow(), []);
            List<DocumentChange> changes = [new(Edition.Kind, Edition.Id(edition.Number), 0, edition.Write()), new(Edition.InForce, Edition.InForce, version, edition.Write())];
            if (await registry.FindAsync(new(tenant, Words, hash)) is null) changes.Add(new(Words, hash, 0, proposal.Payload));
            try
            {
                await _fourEyes.ApproveAsync(tenant, id, proposal.PayloadHash, subject, _ => changes, purpose);
                return await FindProposal(tenant, id);
            }
            catch (DocumentConflictException)
            {
                // Another edition came into force meanwhile.
            }
            catch (ProposalRefusedException refused)
            {
                throw Refuse.Proposal(refused, Name(tenant, id));
            }
        }
    }

    /// <exception cref="RefusedException"/>
    public async Task<ProposedEdition> Reject(string tenant, string id, string subject, string purpose)
    {
        var proposed = await FindProposal(tenant, id);
        if (proposed.Proposal is { State: ProposalState.Rejected } rejected && rejected.DecidedBy == subject) return proposed;
        try
        {
            await _fourEyes.RejectAsync(tenant, id, subject, purpose);
            return await FindProposal(tenant, id);
        }
        catch (ProposalRefusedException refused)
        {
            throw Refuse.Proposal(refused, Name(tenant, id));
        }
    }

    /// <exception cref="RefusedException"/>
    public async Task<ProposedEdition> FindProposal(string tenant, string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal) && await _fourEyes.FindAsync(tenant, id) is { } proposal ? await Read(proposal) : throw Missing(tenant, id);

    /// <summary>Without their words, in the order of their ids.</summary>
    /// <param name="after">Null for the first page, else what came with the page before.</param>
    public async Task<(IReadOnlyList<ProposedEdition> Proposals, string? Next)> ListProposals(string tenant, int count, string? after)
    {
        var size = Math.Min(count, PageMax);
        var page = await _fourEyes.ListAsync(tenant, size, after ?? Prefix);
        List<ProposedEdition> own = [.. page.TakeWhile(proposal => proposal.Id.StartsWith(Prefix, StringComparison.Ordinal)).Select(proposal => new ProposedEdition(proposal, NumberOf(proposal), []))];
        return (own, own.Count == size ? own[^1].Proposal.Id : null);
    }

    /// <exception cref="RefusedException"/>
    public async Task<Edition> FindEdition(string tenant, int number)
    {
        if (await registry.FindAsync(new(tenant, Edition.Kind, Edition.Id(number))) is not { } document)
            throw new RefusedException(new(Reason.EditionNotFound, $"tenants/{tenant}/lexiconEditions/{number} does not exist"));
        var edition = Edition.Of(document);
        return edition with { Entries = await ReadWords(tenant, edition.Hash) };
    }

    /// <summary>Without their words.</summary>
    /// <param name="after">The number of the last one of the page before; 0 for the first page.</param>
    public async Task<Page<Edition>> ListEditions(string tenant, int count, long after)
    {
        var page = await registry.ListAsync(tenant, Edition.Kind, count, after == 0 ? null : Edition.Id((int)after));
        return new([.. page.Select(Edition.Of)], page.Count == count ? Edition.Of(page[^1]).Number : null);
    }

    /// <summary>Number of the edition in force, 0 for none, and the version of the document that says so.</summary>
    public async Task<(int Number, long Version)> FindInForce(string tenant) =>
        await registry.FindAsync(new(tenant, Edition.InForce, Edition.InForce)) is { } document ? (Edition.Of(document).Number, document.Version) : (0, 0);

    internal async Task<IReadOnlyList<LexiconEntry>> ReadWords(string tenant, Digest hash) =>
        await registry.FindAsync(new(tenant, Words, $"{hash}")) is { } document ? Parse(document.Content!) : throw new InvalidDataException($"the words {hash} of tenant {tenant} are missing");

    private async Task<ProposedEdition> Read(Proposal proposal)
    {
        var number = NumberOf(proposal);
        var entries = proposal.State switch
        {
            ProposalState.Pending => Parse(proposal.Payload),
            ProposalState.Approved => await ReadWords(proposal.Tenant, proposal.PayloadHash),
            _ => [],
        };
        var before = number == 1 || entries.Count == 0 ? [] : (await FindEdition(proposal.Tenant, number - 1)).Entries;
        return new(proposal, number, entries, entries.Except(before).Count(), before.Except(entries).Count());
    }

    /// <summary>What cannot be kept, or built, must not come into force.</summary>
    private static void Require(IReadOnlyList<LexiconEntry> entries, byte[] words)
    {
        try
        {
            if (words.Length > IRegistry.ContentLengthMax / 2)
                throw new LexiconException($"The lists have {words.Length} bytes of words together, an edition at most {IRegistry.ContentLengthMax / 2}: shorten them.");
            Lexicon.Of(entries);
        }
        catch (LexiconException wrong)
        {
            throw new RefusedException(new(Reason.InvalidArgument, wrong.Message));
        }
    }

    private static IReadOnlyList<LexiconEntry> Parse(byte[] words) => LexiconFile.Parse(Encoding.UTF8.GetString(words));

    private static int NumberOf(Proposal proposal) => int.Parse(proposal.Resource.AsSpan(proposal.Resource.LastIndexOf('/') + 1), CultureInfo.InvariantCulture);

    private static RefusedException Missing(string tenant, string id) => new(new(Reason.ProposalNotFound, $"{Name(tenant, id)} does not exist"));

    private static string Name(string tenant, string id) => $"tenants/{tenant}/lexiconProposals/{id}";
}
