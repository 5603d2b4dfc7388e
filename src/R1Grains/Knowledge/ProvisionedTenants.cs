using R1Grains.Compliance;
using R1Grains.Engine;
using R1Grains.Ledger;
using R1Grains.Operations;

namespace R1Grains.Knowledge;

/// <summary>
/// Serves the tenants that operators set, from when they are set, beside those of the folder. The process serves nobody
/// before it knows them.
/// </summary>
internal sealed partial class ProvisionedTenants(IRegistry registry, Tenants tenants, Model model, TimeProvider time, ILogger<ProvisionedTenants> log) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private IAsyncEnumerator<IReadOnlyList<Document>>? _changes;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _changes = Follow();
        await _changes.MoveNextAsync();
        foreach (var document in _changes.Current) Apply(document);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        base.Dispose();
        _stopping.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var end = stoppingToken.Register(_stopping.Cancel);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await _changes!.MoveNextAsync())
                    foreach (var document in _changes.Current)
                        Apply(document);
            }
            catch (RecordUnavailableException)
            {
                await Task.Delay(Pause, time, stoppingToken);
                _changes = Follow();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
        }
    }

    private IAsyncEnumerator<IReadOnlyList<Document>> Follow() => registry.FollowAsync([TenantDefinition.Kind], time, _stopping.Token).GetAsyncEnumerator(_stopping.Token);

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
