using Orleans.Runtime;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Inference;

/// <summary>
/// A reply under way on a device, with a watch over the device: one that dies or falls silent is left behind, never
/// waited for. Disposing ends the reply.
/// </summary>
/// <param name="silence">How long a living device may say nothing; well above <see cref="InferenceGrain.Beat"/>.</param>
public sealed class Generation(string device, IAsyncEnumerator<Emission> emissions, TimeSpan silence, TimeProvider time) : IDisposable
{
    // Null between two emissions, when the device owes nothing: however long its reader takes, that is not its silence.
    private Task<bool>? _next;

    // When _next was asked for.
    private long _asked;
    private bool _left;

    public string Device => device;

    /// <summary>The fingerprint of the device's arithmetic; known as soon as the request is admitted.</summary>
    public Digest? Numerics { get; private set; }

    /// <summary>Returns when the request is admitted.</summary>
    /// <exception cref="RefusedException">It is not.</exception>
    public async ValueTask Admitted(CancellationToken stop = default)
    {
        while (Numerics is null)
        {
            await Next(TimeSpan.MaxValue, stop);
            stop.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The next thing that happens, the first as soon as the request is admitted; null when patience or <paramref name="stop"/> ended first.</summary>
    /// <exception cref="RefusedException">Not admitted, or <see cref="Reason.ModelUnavailable"/>: the device is lost.</exception>
    public async ValueTask<Emission?> Next(TimeSpan patience, CancellationToken stop = default)
    {
        if (_next is null) (_asked, _next) = (time.GetTimestamp(), emissions.MoveNextAsync().AsTask());
        var left = silence - time.GetElapsedTime(_asked);
        if (!await _next.Within(patience < left ? patience : left, time, stop))
            return time.GetElapsedTime(_asked) < silence ? null : throw Lost($"it has said nothing for {silence.TotalSeconds:0.#} s");
        try
        {
            if (!await _next) throw Lost("it ended without an end");
        }
        catch (Exception e) when (e is SiloUnavailableException or OrleansMessageRejectionException or EnumerationAbortedException or TimeoutException)
        {
            throw Lost(e.Message);
        }
        _next = null;
        if (emissions.Current.Numerics is { } numerics) Numerics = Digest.Parse(numerics);
        return emissions.Current;
    }

    public void Dispose()
    {
        if (_left) return;
        _left = true;
        _ = Leave();
    }

    /// <summary>An enumerator takes no disposal while it moves, and a dead one never ends moving: so nobody waits for this.</summary>
    private async Task Leave()
    {
        if (_next is { } next) await next.Within(Timeout.InfiniteTimeSpan, time);
        await emissions.DisposeAsync();
    }

    private RefusedException Lost(string why) =>
        new(new(Reason.ModelUnavailable, $"inference device {device} is lost: {why}", RetryAfter: TimeSpan.FromSeconds(1)));
}
