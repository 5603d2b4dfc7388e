using System.Runtime.CompilerServices;
using R1Grains.Conversations;

namespace R1Grains.Operations;

/// <summary>
/// Knows whether this process serves, and lets a stopping one finish what it has begun: first it says that it does not
/// serve, new turns are refused and sent elsewhere, running ones go on until they end or the time for it is over, and
/// only then do the services stop.
/// </summary>
public sealed class Drain(Settings settings, TimeProvider time, ILogger<Drain> log) : IHostedLifecycleService, IDisposable
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _begun = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The process itself counts as one until it stops, so that only a stopping process can reach zero.
    private int _open = 1;

    /// <summary>Ends calls that would otherwise last for ever.</summary>
    public CancellationToken Begun => _begun.Token;

    public bool IsServing => _started.Task.IsCompleted && !_stopping.Task.IsCompleted;

    /// <summary><see cref="IsServing"/> now and after each change; ends once a stop has been told.</summary>
    public async IAsyncEnumerable<bool> Watch([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!_started.Task.IsCompleted)
        {
            yield return false;
            await _started.Task.WaitAsync(cancellation);
        }
        if (IsServing)
        {
            yield return true;
            await _stopping.Task.WaitAsync(cancellation);
        }
        yield return false;
    }

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

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _started.TrySetResult();
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _stopping.TrySetResult();
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
