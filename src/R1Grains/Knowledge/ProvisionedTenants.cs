using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>Serves the tenants that operators set, from when they are set, beside those of the folder.</summary>
internal sealed partial class ProvisionedTenants(IRegistry registry, Tenants tenants, Model model, TimeProvider time, ILogger<ProvisionedTenants> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var changed in registry.FollowAsync([TenantDefinition.Kind], time, stoppingToken))
                {
                    foreach (var document in changed)
                        Apply(document);
                }
            }
            catch (RecordUnavailableException)
            {
                await Task.Delay(Pause, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>What cannot be served here leaves what was served before.</summary>
    private void Apply(Document document)
    {
        if (document.Content is null)
        {
            tenants.Forget(document.Key.Tenant);
            return;
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
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Tenant {Tenant}, version {Version}, is not served: {Why}")]
    private partial void LogUnserved(string tenant, long version, string why);
}
