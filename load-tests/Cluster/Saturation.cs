using System.Diagnostics;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Cluster;

/// <summary>What a cluster delivers when every row is taken, and what that costs.</summary>
/// <param name="CpuMicrosecondsPerToken">Of all our processes together; the clients' are not ours.</param>
internal sealed record Saturation(double TokensPerSecond, double CpuMicrosecondsPerToken)
{
    // Until code that runs often is compiled for good, which on busy cores takes more than a minute and more time than the work itself.
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(75);

    /// <param name="conversations">More than there are rows.</param>
    public static async Task<Saturation> MeasureAsync(PacedLoad load, Witness witness, ProcessWatch watch, int conversations, TimeSpan time, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var busy = load.KeepBusy(conversations, end.Token, cancellation);
        await Task.Delay(WarmUp, TimeProvider.System, cancellation);
        var (from, before) = (Stopwatch.GetTimestamp(), watch.CpuSeconds());
        await Task.Delay(time, TimeProvider.System, cancellation);
        var (to, after) = (Stopwatch.GetTimestamp(), watch.CpuSeconds());
        await end.CancelAsync();
        await busy;
        // A character is a token here; the two of the reasoning are left out.
        var tokens = witness.Turns.Where(turn => turn.Question.Class is PacedLoad.Steady).SelectMany(turn => turn.Pieces).Where(piece => piece.At >= from && piece.At < to).Sum(piece => piece.Text.Length);
        return new(tokens / Stopwatch.GetElapsedTime(from, to).TotalSeconds, (after - before) * 1e6 / tokens);
    }
}
