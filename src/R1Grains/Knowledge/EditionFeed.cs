using R1Grains.Compliance;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>
/// Follows which edition of each tenant is in force. The process serves nobody before it knows; from then on a new one is
/// in force here within a second or so, for the turns that begin after it.
/// </summary>
internal sealed partial class EditionFeed(IRegistry registry, Editions editions, TenantLexicons lexicons, ILogger<EditionFeed> log)
    : RegistryFollower(registry, Edition.InForce)
{
    protected override void Tell(RecordUnavailableException away, Document document) => LogLate(away, document.Key.Tenant);

    protected override async Task Take(Document document)
    {
        if (document.Content is null) return;
        var edition = Edition.Of(document);
        try
        {
            lexicons.Publish(edition.Tenant, edition with { Entries = await editions.ReadWords(edition.Tenant, edition.Hash) });
            LogInForce(edition.Tenant, edition.Number, edition.Hash);
        }
        catch (LexiconException wrong)
        {
            // The words before stay in force; a process that starts fails the tenant's turns rather than to answer them unchecked.
            LogUnfit(wrong, edition.Tenant, edition.Number);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Edition {Edition} of the lexicon of {Tenant} is in force here ({Hash})")]
    private partial void LogInForce([NameData] string tenant, int edition, Digest hash);

    [LoggerMessage(Level = LogLevel.Warning, Message = "An edition of the lexicon of {Tenant} cannot be read yet")]
    private partial void LogLate(Exception exception, [NameData] string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "Edition {Edition} of the lexicon of {Tenant} cannot be built: the words before stay in force")]
    private partial void LogUnfit(Exception exception, [NameData] string tenant, int edition);
}
