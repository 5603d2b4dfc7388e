using System.Diagnostics;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Cluster;

/// <summary>What a cluster delivers when every row is taken, and what that costs.</summary>
/// <param name="CpuMicrosecondsPerToken">Of all our processes together; the clients' are not ours.</param>
internal sealed record Saturation(double TokensPerSecond, double CpuMicrosecondsPerToken)
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(90);

    // Code that runs often is compiled for good beside the work, which on busy cores takes minutes and more time than the
    // work itself: it is measured again until our processes need hardly less than the time before.
    private const int TriesMax = 9;
    private const double Settled = 0.95;

    /// <param name="conversations">More than there are rows.</param>
    public static async Task<Saturation> MeasureAsync(PacedLoad load, Witness witness, ProcessWatch watch, int conversations, TimeSpan time, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var busy = load.KeepBusy(conversations, end.Token, cancellation);
        await Task.Delay(WarmUp, TimeProvider.System, cancellation);
        var (last, before) = (await WindowAsync(), double.PositiveInfinity);
        for (var tries = 1; tries < TriesMax && last.CpuSeconds < Settled * before; tries++) (before, last) = (last.CpuSeconds, await WindowAsync());
        await end.CancelAsync();
        await busy;
        // A character is a token here; the two of the reasoning are left out.
        var tokens = witness.Turns.Where(turn => turn.Question.Class is PacedLoad.Steady).SelectMany(turn => turn.Pieces).Where(piece => piece.At >= last.From && piece.At < last.To).Sum(piece => piece.Text.Length);
        return new(tokens / Stopwatch.GetElapsedTime(last.From, last.To).TotalSeconds, last.CpuSeconds * 1e6 / tokens);

        async Task<(long From, long To, double CpuSeconds)> WindowAsync()
        {
            var (from, spent) = (Stopwatch.GetTimestamp(), watch.CpuSeconds());
            await Task.Delay(time, TimeProvider.System, cancellation);
            var (to, cpu) = (Stopwatch.GetTimestamp(), watch.CpuSeconds() - spent);
            Progress.Say($"our processes: {cpu / time.TotalSeconds:p0} of a core");
            return (from, to, cpu);
        }
    }
}
