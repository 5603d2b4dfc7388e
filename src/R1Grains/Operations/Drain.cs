using System.Runtime.CompilerServices;
using R1Grains.Conversations;
using R1Grains.Engine;

namespace R1Grains.Operations;

/// <summary>
/// Knows whether this process serves, which it does while its engine runs, and lets a stopping one finish what it has
/// begun: first it says that it does not serve, new turns are refused and sent elsewhere, running ones go on, with a
/// client or without, until they end or the time for it is over, and only then do the services stop.
/// </summary>
public sealed class Drain(LiveTurns turns, InferenceEngine engine, Settings settings, TimeProvider time, ILogger<Drain> log) : IHostedLifecycleService, IDisposable
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _unable = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _begun = new();
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The process itself counts as one until it stops, so that only a stopping process can reach zero.
    private int _open = 1;

    /// <summary>Ends calls that would otherwise last for ever.</summary>
    public CancellationToken Begun => _begun.Token;

    public bool IsServing => _started.Task.IsCompleted && !_unable.Task.IsCompleted;

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
            await _unable.Task.WaitAsync(cancellation);
        }
        yield return false;
        await _stopping.Task.WaitAsync(cancellation);
    }

    /// <summary>Runs a call that a stop waits for, until the time for that is over.</summary>
    /// <param name="client">Ends when the client has left.</param>
    /// <exception cref="RefusedException"><see cref="Reason.NodeDraining"/></exception>
    public async Task<T> Serve<T>(CancellationToken client, Func<CancellationToken, Task<T>> call)
    {
        Interlocked.Increment(ref _open);
        try
        {
            if (_begun.IsCancellationRequested)
                throw Refused();
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(client, _over.Token);
            return await call(ending.Token);
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            throw Refused();
        }
        finally
        {
            Leave();
        }
    }

    public static RefusedException Refused() =>
        new(new(Reason.NodeDraining, "this node is stopping: send the same request again, it will reach another node or this one restarted", RetryAfter: TimeSpan.FromSeconds(1)));

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _started.TrySetResult();
        _ = WatchEngine();
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _unable.TrySetResult();
        _stopping.TrySetResult();
        await _begun.CancelAsync();
        Leave();
        try
        {
            await Task.WhenAll(_empty.Task, turns.None).WaitAsync(settings.ShutdownTimeout, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            log.LogWarning("Stopping with {Calls} calls and {Turns} turns still running; the turns go on after the next start", Volatile.Read(ref _open), turns.Count);
        }
        await _over.CancelAsync();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _begun.Dispose();
        _over.Dispose();
    }

    /// <summary>After a defect the engine answers nobody, so whoever balances load or restarts processes has to know.</summary>
    private async Task WatchEngine()
    {
        if (await engine.Ended is not { } defect) return;
        log.LogCritical(defect, "The engine ended by a defect and answers no turn any more; this process says NOT_SERVING until it is started again");
        _unable.TrySetResult();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
            _empty.TrySetResult();
    }
}
