using System.Runtime.CompilerServices;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Inference;

namespace R1Grains.Operations;

/// <summary>
/// Knows whether this process serves, which it does while its engine, if it has one, runs, and lets a stopping one finish
/// what it has begun: first it says that it does not serve and tells the other silos that nothing new is to be placed
/// here; new turns are refused and sent elsewhere, running ones go on, with a client or without, until they end or the
/// time for it is over, and only then do the services stop.
/// </summary>
/// <param name="engine">Of a process that owns a device.</param>
public sealed class Drain(LiveTurns turns, Nodes nodes, IGrainFactory grains, Settings settings, TimeProvider time, ILogger<Drain> log, InferenceEngine? engine = null) : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan TellingMax = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

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
        await Tell();
        await _begun.CancelAsync();
        Leave();
        try
        {
            await Task.WhenAll(_empty.Task, turns.None, Idle(_over.Token)).WaitAsync(settings.ShutdownTimeout, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            Log.Left(log, Volatile.Read(ref _open), turns.Count, Replies);
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

    private int Replies => engine?.Status is { } status ? status.Running + status.Waiting : 0;

    /// <summary>Best effort: a silo that does not hear of it finds out by a refusal.</summary>
    private async Task Tell()
    {
        nodes.Leave(nodes.Here);
        var told = nodes.Active.Where(node => !node.Address.Equals(nodes.Here)).Select(node => grains.GetGrain<INodeGrain>($"{node.Name}/").Leaving(nodes.Here));
        await Task.WhenAll(told).Within(TellingMax, time);
    }

    /// <summary>Until no reply is generated here any more, whichever silo asked for it.</summary>
    private async Task Idle(CancellationToken cancellation)
    {
        while (Replies > 0) await Task.Delay(LookEvery, time, cancellation);
    }

    /// <summary>After a defect the engine answers nobody, so whoever balances load or restarts processes has to know.</summary>
    private async Task WatchEngine()
    {
        if (engine is null || await engine.Ended is not { } defect) return;
        Log.EngineEnded(log, defect);
        _unable.TrySetResult();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
            _empty.TrySetResult();
    }
}
