using System.Collections.Concurrent;
using System.Threading.Channels;
using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>The replies of one silo on their way out of a device: read from the engine off the grain's scheduler, sent in steps.</summary>
internal sealed class Outbox(TimeProvider time)
{
    /// <summary>Between two steps, so that what happens at once travels together. Nobody who reads notices it.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(10);

    private readonly Channel<(int Reply, Emission Emission)> _waiting = Channel.CreateUnbounded<(int, Emission)>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<int, (string Request, CancellationTokenSource Leaving)> _replies = [];
    private readonly List<int> _numbers = [];
    private readonly List<Emission> _emissions = [];
    private Task<bool>? _more;
    private long _asked = time.GetTimestamp();
    private long _sent;

    /// <summary>How long nobody has asked for a step.</summary>
    public TimeSpan UnreadFor => time.GetElapsedTime(_asked);

    /// <param name="request">The id of the request that the reply answers.</param>
    public void Add(int reply, string request, Func<CancellationToken, IAsyncEnumerable<Emission>> admit)
    {
        var leaving = new CancellationTokenSource();
        var emissions = admit(leaving.Token);
        _replies[reply] = (request, leaving);
        // Nothing of the call that brought the reply is to live on in its reading.
        using (ExecutionContext.SuppressFlow()) _ = Task.Run(() => Read(reply, emissions));
    }

    public void Leave(int reply)
    {
        if (_replies.TryRemove(reply, out var left)) left.Leaving.Cancel();
    }

    /// <summary>Leaves what answers the request, if anything does.</summary>
    public void LeaveRequest(string request)
    {
        foreach (var (reply, answered) in _replies)
            if (answered.Request == request) Leave(reply);
    }

    public void LeaveAll()
    {
        foreach (var reply in _replies.Keys) Leave(reply);
    }

    /// <summary>The next step, soon after something has happened; empty where nothing does for so long.</summary>
    public async ValueTask<Step> Next(TimeSpan beat)
    {
        _asked = time.GetTimestamp();
        _more ??= _waiting.Reader.WaitToReadAsync().AsTask();
        if (!await _more.Within(beat, time)) return Step.Empty;
        _more = null;
        if (time.GetElapsedTime(_sent) is var since && since < Gather) await Task.Delay(Gather - since, time);
        _sent = time.GetTimestamp();
        _numbers.Clear();
        _emissions.Clear();
        while (_waiting.Reader.TryRead(out var happened))
        {
            _numbers.Add(happened.Reply);
            _emissions.Add(happened.Emission);
        }
        return new([.. _numbers], [.. _emissions]);
    }

    private async Task Read(int reply, IAsyncEnumerable<Emission> emissions)
    {
        await foreach (var emission in emissions) _waiting.Writer.TryWrite((reply, emission));
        _replies.TryRemove(reply, out _);
    }
}
