using System.Collections.Concurrent;
using System.Threading.Channels;
using R1Grains.Engine;

namespace R1Grains.Inference;

/// <summary>
/// The replies of one silo on their way out of a device, sent in steps. The device says when something has happened, and
/// all replies are looked through at once: a wake-up for each token would cost more than the token.
/// </summary>
internal sealed class Outbox(TimeProvider time)
{
    /// <summary>Between two steps, so that what happens at about the same time travels together; the more replies there are, the more of them share a step. Nobody who reads notices it.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(10), GatherForEach = TimeSpan.FromMilliseconds(8), GatherMax = TimeSpan.FromMilliseconds(100);

    /// <summary>Between two words on a reply's place in the queue: with many in it, it would change more often than their answers.</summary>
    private static readonly TimeSpan PlaceEvery = TimeSpan.FromSeconds(1);

    // Holds one mark at most.
    private readonly Channel<bool> _happened = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<int, Outgoing> _replies = [];
    private readonly List<int> _numbers = [];
    private readonly List<Emission> _emissions = [];
    private Task<bool>? _more;
    private bool _isAsked;
    private long _answered = time.GetTimestamp();
    private long _sent;
    private string? _forsaken;

    /// <summary>How long nobody has asked for a step; none while somebody waits for one.</summary>
    public TimeSpan UnreadFor => _isAsked ? TimeSpan.Zero : time.GetElapsedTime(_answered);

    /// <param name="request">The id of the request that the reply answers.</param>
    public void Add(int reply, string request, Func<CancellationToken, ChannelReader<Emission>> admit)
    {
        var leaving = new CancellationTokenSource();
        _replies[reply] = new(request, admit(leaving.Token), leaving);
        Happen();
    }

    /// <summary>The device has made a step. From any thread.</summary>
    public void Happen()
    {
        if (!_replies.IsEmpty) _happened.Writer.TryWrite(true);
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

    /// <summary>Leaves everything; a reader that lives after all is told by its next step.</summary>
    public void Forsake(string why)
    {
        _forsaken = why;
        LeaveAll();
    }

    /// <summary>The next step, soon after something has happened; empty where nothing does for so long.</summary>
    public async ValueTask<Step> Next(TimeSpan beat)
    {
        _isAsked = true;
        try
        {
            return _forsaken is { } why ? Step.Empty with { Lost = why } : await Gathered(beat);
        }
        finally
        {
            (_isAsked, _answered) = (false, time.GetTimestamp());
        }
    }

    private async ValueTask<Step> Gathered(TimeSpan beat)
    {
        var asked = time.GetTimestamp();
        while (true)
        {
            _more ??= _happened.Reader.WaitToReadAsync().AsTask();
            if (!await _more.Within(Left(), time)) return Step.Empty;
            _more = null;
            var rest = Together() - time.GetElapsedTime(_sent);
            if (Left() is var left && left < rest) rest = left;
            if (rest > TimeSpan.Zero) await Task.Delay(rest, time);
            _happened.Reader.TryRead(out _);
            if (Collect() is { Replies.Length: > 0 } step) return step;
        }

        TimeSpan Left() => beat - time.GetElapsedTime(asked) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private TimeSpan Together() => Gather + GatherForEach * _replies.Count is var gather && gather < GatherMax ? gather : GatherMax;

    private Step Collect()
    {
        _sent = time.GetTimestamp();
        _numbers.Clear();
        _emissions.Clear();
        foreach (var (number, reply) in _replies)
        {
            while (reply.Emissions.TryRead(out var happened))
            {
                reply.Place = happened.Kind is EmissionKind.Queued ? happened : null;
                if (reply.Place is null) Add(number, happened);
            }
            if (reply.Place is { } place && (reply.Placed is not { } placed || time.GetElapsedTime(placed, _sent) >= PlaceEvery))
            {
                Add(number, place);
                (reply.Place, reply.Placed) = (null, _sent);
            }
            if (reply.Emissions.Completion.IsCompleted) _replies.TryRemove(number, out _);
        }
        return new([.. _numbers], [.. _emissions]);

        void Add(int number, Emission happened)
        {
            _numbers.Add(number);
            _emissions.Add(happened);
        }
    }

    private sealed record Outgoing(string Request, ChannelReader<Emission> Emissions, CancellationTokenSource Leaving)
    {
        /// <summary>Its place in the queue, where that is not said yet.</summary>
        public Emission? Place { get; set; }

        /// <summary>When the last one was said; a timestamp.</summary>
        public long? Placed { get; set; }
    }
}
