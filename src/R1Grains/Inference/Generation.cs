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
    private Task<bool>? _more;

    public string Device => device;

    public Digest Numerics => numerics;

    /// <summary>Ends with the generation; null where nobody traces it.</summary>
    internal Activity? Span { get; set; }

    /// <summary>The next thing that happens; null when patience or <paramref name="stop"/> ended first.</summary>
    /// <exception cref="RefusedException"><see cref="Reason.ModelUnavailable"/>: the device is lost.</exception>
    public async ValueTask<Emission?> Next(TimeSpan patience, CancellationToken stop = default)
    {
        if (emissions.TryRead(out var waiting)) return waiting;
        _more ??= emissions.WaitToReadAsync(CancellationToken.None).AsTask();
        if (!await _more.Within(patience, time, stop)) return null;
        await _more;
        _more = null;
        return emissions.TryRead(out var happened) ? happened : null;
    }

    public void Dispose()
    {
        Span?.Dispose();
        leave();
    }
}
