using System.Diagnostics;
using System.Threading.Channels;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Inference;

/// <summary>A reply under way on a device. Disposing ends it.</summary>
/// <param name="numerics">The fingerprint of the device's arithmetic.</param>
/// <param name="leave">Tells the device that nobody reads any more.</param>
public sealed class Generation(string device, Digest numerics, ChannelReader<Emission> emissions, Action leave, TimeProvider time) : IDisposable
{
    /// <summary>A wait that has become needless ends by itself within this time.</summary>
    private static readonly TimeSpan TickMax = TimeSpan.FromSeconds(1);

    /// <summary>Timers know no shorter time.</summary>
    private static readonly TimeSpan TickMin = TimeSpan.FromMilliseconds(1);

    private Task<bool>? _more;

    // The wait for time that is under way, and the timestamp of its end.
    private Task? _tick;
    private long _tickEnd;

    public string Device => device;

    public Digest Numerics => numerics;

    /// <summary>Ends with the generation; null where nobody traces it.</summary>
    internal Activity? Span { get; set; }

    /// <summary>What has happened already; null if nothing has.</summary>
    public Emission? TryNext() => emissions.TryRead(out var happened) ? happened : null;

    /// <summary>The next thing that happens; null when patience or <paramref name="stop"/> ended first, or maybe earlier: whoever waits for longer asks again.</summary>
    /// <param name="stop">The same for all calls.</param>
    /// <exception cref="RefusedException"><see cref="Reason.ModelUnavailable"/>: the device is lost.</exception>
    public async ValueTask<Emission?> Next(TimeSpan patience, CancellationToken stop = default)
    {
        if (TryNext() is { } waiting) return waiting;
        _more ??= emissions.WaitToReadAsync(CancellationToken.None).AsTask();
        if (!_more.IsCompleted) await Task.WhenAny(_more, Tick(patience, stop));
        if (!_more.IsCompleted) return null;
        await _more;
        _more = null;
        return TryNext();
    }

    /// <summary>Most waits end by a token, and a timer for each would cost more than the token: one that ends soon enough serves all that begin meanwhile.</summary>
    private Task Tick(TimeSpan patience, CancellationToken stop)
    {
        if (patience == TimeSpan.Zero) return Task.CompletedTask;
        var wait = patience == Timeout.InfiniteTimeSpan || patience > TickMax ? TickMax : TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(patience.TotalMilliseconds)));
        var now = time.GetTimestamp();
        if (_tick is { IsCompleted: false } && time.GetElapsedTime(now, _tickEnd) <= wait + TickMin) return _tick;
        _tickEnd = now + (long)(wait.TotalSeconds * time.TimestampFrequency);
        return _tick = Task.Delay(wait, time, stop);
    }

    public void Dispose()
    {
        Span?.Dispose();
        leave();
    }
}
