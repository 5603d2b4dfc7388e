using Grpc.Health.V1;
using Grpc.HealthCheck;
using R1Grains.Conversations;
using R1Grains.Engine;

namespace R1Grains.Operations;

/// <summary>
/// Tells the world whether this process serves (grpc.health.v1, per service name), which it does while its engine runs, and lets a stopping one finish what
/// it has begun: first it says NOT_SERVING, new turns are refused and sent elsewhere, running ones go on until they end
/// or the time for it is over, and only then do the services stop.
/// </summary>
public sealed class Drain(HealthServiceImpl health, InferenceEngine engine, Settings settings, TimeProvider time, ILogger<Drain> log) : IHostedLifecycleService, IDisposable
{
    private static readonly string[] Services = ["", V1.ConversationService.Descriptor.FullName, V1.TurnService.Descriptor.FullName];

    private readonly CancellationTokenSource _begun = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The process itself counts as one until it stops, so that only a stopping process can reach zero.
    private int _open = 1;

    /// <summary>Ends calls that would otherwise last for ever.</summary>
    public CancellationToken Begun => _begun.Token;

    /// <summary>Counts a call until it is disposed.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.NodeDraining"/></exception>
    public IDisposable Enter()
    {
        Interlocked.Increment(ref _open);
        if (!_begun.IsCancellationRequested)
            return new Call(this);
        Leave();
        throw Refused();
    }

    public static RefusedException Refused() =>
        new(new(Reason.NodeDraining, "this node is stopping: send the same request again, it will reach another node or this one restarted", RetryAfter: TimeSpan.FromSeconds(1)));

    public Task StartingAsync(CancellationToken cancellationToken) => Say(HealthCheckResponse.Types.ServingStatus.NotServing);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await Say(HealthCheckResponse.Types.ServingStatus.Serving);
        _ = WatchEngine();
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await Say(HealthCheckResponse.Types.ServingStatus.NotServing);
        await _begun.CancelAsync();
        Leave();
        try
        {
            await _empty.Task.WaitAsync(settings.ShutdownTimeout, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            log.LogWarning("Stopping with {Open} calls still running; their turns go on after the next start", Volatile.Read(ref _open));
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _begun.Dispose();

    /// <summary>After a defect the engine answers nobody, so whoever balances load or restarts processes has to know.</summary>
    private async Task WatchEngine()
    {
        if (await engine.Ended is not { } defect) return;
        log.LogCritical(defect, "The engine ended by a defect and answers no turn any more; this process says NOT_SERVING until it is started again");
        await Say(HealthCheckResponse.Types.ServingStatus.NotServing);
    }

    private Task Say(HealthCheckResponse.Types.ServingStatus status)
    {
        foreach (var service in Services)
            health.SetStatus(service, status);
        return Task.CompletedTask;
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
            _empty.TrySetResult();
    }

    private sealed class Call(Drain drain) : IDisposable
    {
        public void Dispose() => drain.Leave();
    }
}
