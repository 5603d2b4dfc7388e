using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>
/// Serves the tenants that operators set, from when they are set, beside those of the folder. The process serves nobody
/// before it knows them.
/// </summary>
internal sealed partial class ProvisionedTenants(IRegistry registry, Tenants tenants, Model model, ILogger<ProvisionedTenants> log)
    : RegistryFollower(registry, TenantDefinition.Kind)
{
    /// <summary>What cannot be served here leaves what was served before.</summary>
    protected override Task Take(Document document)
    {
        if (document.Content is null)
        {
            tenants.Forget(document.Key.Tenant);
            return Task.CompletedTask;
        }
        try
        {
            var definition = TenantDefinition.Of(document) ?? throw new StartFailure("it cannot be read");
            var (tenant, words) = Tenants.Read(document.Key.Tenant, definition, model);
            tenants.Serve(tenant, words);
        }
        catch (Exception wrong) when (wrong is StartFailure or LexiconException)
        {
            LogUnserved(document.Key.Tenant, document.Version, wrong.Message);
        }
        return Task.CompletedTask;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Tenant {Tenant}, version {Version}, is not served: {Why}")]
    private partial void LogUnserved([NameData] string tenant, long version, [ToldData] string why);
}
