using Orleans.Placement;
using R1Grains.Conversations;
using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>The grain is the address, the engine is the machine.</summary>
[KeepAlive, Immovable]
public sealed class InferenceGrain(InferenceEngine engine, TimeProvider time) : Grain, IInferenceGrain
{
    public static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(400);

    public async IAsyncEnumerable<Emission> Generate(GenerationRequest request)
    {
        var leaving = new CancellationTokenSource();
        var emissions = Admit(request, leaving.Token).GetAsyncEnumerator(CancellationToken.None);
        var state = Emission.Prefilling(0, request.Prompt.Length + request.Recorded.Length);
        var next = emissions.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                while (!await next.Within(Beat, time)) yield return state;
                if (!await next) yield break;
                var emission = emissions.Current;
                if (emission.Kind is EmissionKind.Queued or EmissionKind.Prefilling) state = emission;
                yield return emission;
                next = emissions.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            _ = Leave(emissions, next, leaving);
        }
    }

    public Task<string> GetNumerics() => Task.FromResult(engine.Numerics);

    public Task<int> GetLoad() => Task.FromResult(engine.Status.Running + engine.Status.Waiting);

    /// <summary>The engine ends the reply at its next step, and only then can the enumerator be disposed: nobody waits for it.</summary>
    private async Task Leave(IAsyncEnumerator<Emission> emissions, Task<bool> next, CancellationTokenSource leaving)
    {
        await leaving.CancelAsync();
        await next.Within(Timeout.InfiniteTimeSpan, time);
        await emissions.DisposeAsync();
        leaving.Dispose();
    }

    /// <summary>The engine's refusals in the house's terms; its own exceptions do not travel.</summary>
    private IAsyncEnumerable<Emission> Admit(GenerationRequest request, CancellationToken leaving)
    {
        try
        {
            return engine.GenerateAsync(request, leaving);
        }
        catch (QueueFullException full)
        {
            throw new RefusedException(new(Reason.ModelQueueFull, full.Message, RetryAfter: AtLeastOneSecond(full.PredictedFirstToken)));
        }
        catch (DeadlineTooShortException late)
        {
            throw new RefusedException(new(Reason.DeadlineTooShort, late.Message));
        }
        catch (EngineStoppedException stopped)
        {
            throw new RefusedException(new(Reason.ModelUnavailable, stopped.Message, RetryAfter: TimeSpan.FromSeconds(5)));
        }
        catch (Exception wrong) when (wrong is ArgumentException or PromptTooLongException)
        {
            throw new RefusedException(new(Reason.Internal, wrong.Message));
        }
    }

    private static TimeSpan AtLeastOneSecond(TimeSpan wait) => wait > TimeSpan.FromSeconds(1) ? wait : TimeSpan.FromSeconds(1);
}
