using System.Collections.Concurrent;
using System.Threading.Channels;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Inference;

/// <summary>
/// This silo's stream from one device, with a watch over the device: one that dies or falls silent is left behind with all
/// its replies, never waited for. A link that was lost stays so; whoever needs the device again opens another.
/// </summary>
/// <param name="silence">How long a living device may say nothing; well above <see cref="InferenceGrain.Beat"/>.</param>
/// <param name="lost">Told when the device is given up.</param>
internal sealed class DeviceLink(string device, IInferenceGrain grain, SiloAddress here, TimeSpan silence, TimeProvider time, Action lost)
{
    private readonly Guid _id = Guid.NewGuid();
    private readonly ConcurrentDictionary<int, Channel<Emission>> _replies = [];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RefusedException? _why;
    private int _number;

    public bool IsLost => _lost.Task.IsCompleted;

    public DeviceLink Open()
    {
        // The stream outlives the turn that came first, and must not run under its name.
        using (ExecutionContext.SuppressFlow()) _ = Task.Run(Read);
        return this;
    }

    /// <summary>Returns when the device has admitted the request.</summary>
    /// <exception cref="RefusedException">It has not, or <see cref="Reason.ModelUnavailable"/>: it is lost.</exception>
    public async Task<Generation> Submit(GenerationRequest request)
    {
        var number = Interlocked.Increment(ref _number);
        // Who reads is told at once, and must go on on a scheduler of its own.
        var emissions = Channel.CreateUnbounded<Emission>(new() { SingleReader = true, AllowSynchronousContinuations = true });
        _replies[number] = emissions;
        try
        {
            await Unless(_opened.Task);
            var submitted = grain.Submit(_id, number, request);
            await Unless(submitted);
            return new(device, Digest.Parse(await submitted), emissions.Reader, () => Leave(number), time);
        }
        catch (RefusedException)
        {
            _replies.TryRemove(number, out _);
            throw;
        }
        catch (Exception broken) when (Breaks(broken))
        {
            Lose(broken.Message);
            throw _why!;
        }
        catch
        {
            Leave(number);
            throw;
        }
    }

    private async Task Unless(Task task)
    {
        await Task.WhenAny(task, _lost.Task);
        if (IsLost) throw _why!;
        await task;
    }

    private async Task Read()
    {
        var steps = grain.Steps(_id, here).GetAsyncEnumerator();
        var watch = new SilenceWatch(silence, time);
        Task<bool>? next = null;
        try
        {
            while (!IsLost)
            {
                next = steps.MoveNextAsync().AsTask();
                if (!await watch.Hears(next)) Lose($"it has said nothing for {silence.TotalSeconds:0.#} s");
                else if (!await next) Lose("it ended without an end");
                else Take(steps.Current);
            }
        }
        catch (Exception broken)
        {
            Lose(broken.Message);
        }
        await steps.Abandon(next, time);
    }

    private void Take(Step step)
    {
        _opened.TrySetResult();
        for (var i = 0; i < step.Replies.Length; i++)
        {
            if (!_replies.TryGetValue(step.Replies[i], out var reply)) continue;
            // First: whoever reads the end may leave before the write returns.
            if (step.Emissions[i].Kind is EmissionKind.Finished) _replies.TryRemove(step.Replies[i], out _);
            reply.Writer.TryWrite(step.Emissions[i]);
        }
        if (step.Lost is { } why) Lose(why);
    }

    private void Leave(int number)
    {
        if (_replies.TryRemove(number, out _) && !IsLost) _ = grain.Leave(_id, number);
    }

    private void Lose(string why)
    {
        lock (_lost)
        {
            if (IsLost) return;
            _why = new(new(Reason.ModelUnavailable, $"inference device {device} is lost: {why}", RetryAfter: TimeSpan.FromSeconds(1)));
            _lost.SetResult();
        }
        // First: who reads is told at once, and is not to come back here.
        lost();
        foreach (var number in _replies.Keys)
            if (_replies.TryRemove(number, out var reply)) reply.Writer.TryComplete(_why);
    }

    /// <summary>A plain OrleansException says that no silo owns the device any more.</summary>
    private static bool Breaks(Exception exception) => exception is OrleansException or EnumerationAbortedException or TimeoutException;
}
