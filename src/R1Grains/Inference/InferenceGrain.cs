using System.Threading.Channels;
using Orleans.Placement;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>The grain is the address, the engine is the machine.</summary>
[RolePlacement(Roles.Inference, isPinned: true), KeepAlive, Immovable]
public sealed class InferenceGrain(InferenceEngine engine, Nodes nodes, TimeProvider time) : Grain, IInferenceGrain
{
    public static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(250);

    /// <summary>A silo that asks for nothing any more is frozen or has left: its replies are somebody else's by now, and their rows are needed.</summary>
    private static readonly TimeSpan UnreadMax = TimeSpan.FromSeconds(5);

    private readonly Dictionary<Guid, (SiloAddress Reader, Outbox Outbox)> _links = [];

    public async IAsyncEnumerable<Step> Steps(Guid link, SiloAddress reader)
    {
        var outbox = new Outbox(time);
        _links[link] = (reader, outbox);
        engine.Stepped += outbox.Happen;
        try
        {
            yield return Step.Empty;
            while (true)
            {
                var step = await outbox.Next(Beat);
                // What a stopping engine says of its replies is not their end: another device computes it again.
                if (engine.IsStopped) break;
                LeaveForsaken();
                yield return step;
                if (step.Lost is not null) yield break;
            }
            yield return Step.Empty with { Lost = "its engine has ended" };
        }
        finally
        {
            engine.Stepped -= outbox.Happen;
            _links.Remove(link);
            outbox.LeaveAll();
        }
    }

    public Task<string> Submit(Guid link, int reply, GenerationRequest request)
    {
        RequireAble();
        LeaveForsaken();
        if (!_links.TryGetValue(link, out var opened)) throw Unavailable("this stream is not open any more");
        // Whoever asks again has lost the one that asked before, which may be dead and would keep its row meanwhile.
        foreach (var (_, other) in _links.Values) other.LeaveRequest(request.Id);
        opened.Outbox.Add(reply, request.Id, leaving => Admit(request, leaving));
        return Task.FromResult(engine.Numerics);
    }

    public Task Leave(Guid link, int reply)
    {
        if (_links.TryGetValue(link, out var opened)) opened.Outbox.Leave(reply);
        return Task.CompletedTask;
    }

    public Task Forget(string tenant) => engine.ForgetAsync(scope => scope.StartsWith($"{tenant}/", StringComparison.Ordinal));

    public Task<string> GetNumerics() => Task.FromResult(engine.Numerics);

    public Task<TimeSpan> PredictFirstToken(int tokens)
    {
        RequireAble();
        return Task.FromResult(engine.PredictFirstToken(tokens));
    }

    /// <summary>The engine's refusals in the house's terms; its own exceptions do not travel.</summary>
    private ChannelReader<Emission> Admit(GenerationRequest request, CancellationToken leaving)
    {
        try
        {
            return engine.Submit(request, leaving);
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
            throw Unavailable(stopped.Message);
        }
        catch (Exception wrong) when (wrong is ArgumentException or PromptTooLongException)
        {
            throw new RefusedException(new(Reason.Internal, wrong.Message));
        }
    }

    private void LeaveForsaken()
    {
        foreach (var (reader, outbox) in _links.Values)
            if (outbox.UnreadFor > UnreadMax || nodes.IsDead(reader)) outbox.Forsake("its silo has not read what it said");
    }

    private void RequireAble()
    {
        if (nodes.IsLeaving(nodes.Here)) throw Unavailable("the device is being drained");
        if (engine.IsStopped) throw Unavailable("the device's engine has ended");
        // Whether a run succeeds again is for one request at a time to find out; the others are better off elsewhere.
        if (engine.Status is { Fault: { } fault } status && status.Running + status.Waiting > 0) throw Unavailable($"its last run failed: {fault}");
    }

    private RefusedException Unavailable(string why) =>
        new(new(Reason.ModelUnavailable, $"inference device {this.GetPrimaryKeyString()}: {why}", RetryAfter: TimeSpan.FromSeconds(1)));

    private static TimeSpan AtLeastOneSecond(TimeSpan wait) => wait > TimeSpan.FromSeconds(1) ? wait : TimeSpan.FromSeconds(1);
}
