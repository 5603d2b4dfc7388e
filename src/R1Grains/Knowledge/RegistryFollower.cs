using R1Grains.Ledger;

namespace R1Grains.Knowledge;

/// <summary>
/// Follows the documents of one kind. The process serves nobody before it has taken those that are there; what changes
/// afterwards is taken within a second or so, and while the record is away as soon as it is back.
/// </summary>
internal abstract class RegistryFollower(IRegistry registry, string kind) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stopping = new();
    private IAsyncEnumerator<IReadOnlyList<Document>>? _changes;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _changes = registry.FollowAsync([kind], cancellation: _stopping.Token).GetAsyncEnumerator(_stopping.Token);
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

    /// <exception cref="RecordUnavailableException">It is taken once the record is back.</exception>
    protected abstract Task Take(Document document);

    /// <summary>Tells that it is not taken yet, because the record is away.</summary>
    protected virtual void Tell(RecordUnavailableException away, Document document)
    {
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
                Tell(away, document);
                await Task.Delay(Pause, TimeProvider.System, _stopping.Token);
            }
        }
    }
}
