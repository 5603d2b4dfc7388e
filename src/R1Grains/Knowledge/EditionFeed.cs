using R1Grains.Compliance;
using R1Grains.Ledger;

namespace R1Grains.Knowledge;

/// <summary>
/// Follows which edition of each tenant is in force. The process serves nobody before it knows; from then on a new one is
/// in force here within a second or so, for the turns that begin after it.
/// </summary>
internal sealed partial class EditionFeed(IRegistry registry, Editions editions, TenantLexicons lexicons, ILogger<EditionFeed> log) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private IAsyncEnumerator<IReadOnlyList<Document>>? _changes;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _changes = registry.FollowAsync([Edition.InForce], cancellation: _stopping.Token).GetAsyncEnumerator(_stopping.Token);
        await _changes.MoveNextAsync();
        foreach (var document in _changes.Current) await Take(document);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        // It cancels first.
        base.Dispose();
        _stopping.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await using var end = stoppingToken.Register(_stopping.Cancel);
        try
        {
            while (await _changes!.MoveNextAsync())
                foreach (var document in _changes.Current)
                    await TakeInTheEnd(document);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private async Task TakeInTheEnd(Document document)
    {
        while (true)
        {
            try
            {
                await Take(document);
                return;
            }
            catch (RecordUnavailableException away)
            {
                LogLate(away, document.Key.Tenant);
                await Task.Delay(Pause, TimeProvider.System, _stopping.Token);
            }
        }
    }

    private async Task Take(Document document)
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
    private partial void LogInForce(string tenant, int edition, Digest hash);

    [LoggerMessage(Level = LogLevel.Warning, Message = "An edition of the lexicon of {Tenant} cannot be read yet")]
    private partial void LogLate(Exception exception, string tenant);

    [LoggerMessage(Level = LogLevel.Error, Message = "Edition {Edition} of the lexicon of {Tenant} cannot be built: the words before stay in force")]
    private partial void LogUnfit(Exception exception, string tenant, int edition);
}
