using System.Diagnostics;
using HdrHistogram;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Turns;

/// <summary>What one class of requests got at one rate.</summary>
/// <param name="Rate">Turns a second that were offered.</param>
/// <param name="Seconds">For which turns came; longer if answers came later.</param>
/// <param name="Ttft">To the first text, in microseconds; of completed turns.</param>
/// <param name="Turn">To the end, in microseconds; of completed turns.</param>
/// <param name="PeakMebibytes">Of all watched servers together meanwhile; not a number where none is watched.</param>
/// <param name="Errors">By reason.</param>
internal sealed record ClassFigures(
    string Class, double Rate, double Seconds, int Asked, int Completed, LongHistogram Ttft, LongHistogram Turn, double TokensMean, double PromptTokensMean, double TokensPerSecond, double PeakMebibytes, IReadOnlyDictionary<string, int> Errors)
{
    private const long LongestMicroseconds = 3_600_000_000;
    private const int Digits = 3;

    public double TurnsPerSecond => Completed / Seconds;

    /// <param name="began">A timestamp: when turns began to come.</param>
    /// <param name="time">For how many seconds they did.</param>
    /// <param name="peak">The servers' memory meanwhile, in MiB.</param>
    public static ClassFigures Of(string name, double rate, IReadOnlyCollection<SeenTurn> turns, long began, double time, double peak)
    {
        var (ttft, whole) = (new LongHistogram(LongestMicroseconds, Digits), new LongHistogram(LongestMicroseconds, Digits));
        List<SeenTurn> completed = [.. turns.Where(turn => turn.End is SeenEnd.Completed)];
        foreach (var turn in completed)
        {
            if (turn.Pieces.Count > 0) ttft.RecordValue(Microseconds(turn.Due, turn.Pieces[0].At));
            whole.RecordValue(Microseconds(turn.Due, turn.EndedAt!.Value));
        }
        var seconds = Math.Max(time, Stopwatch.GetElapsedTime(began, turns.Select(turn => turn.EndedAt ?? began).DefaultIfEmpty(began).Max()).TotalSeconds);
        return new(
            name, rate, seconds, turns.Count, completed.Count, ttft, whole,
            completed.Select(turn => (double)turn.Tokens).DefaultIfEmpty(double.NaN).Average(),
            completed.Select(turn => (double)turn.PromptTokens).DefaultIfEmpty(double.NaN).Average(),
            completed.Sum(turn => turn.Tokens) / seconds,
            peak,
            turns.Where(turn => turn.End is not SeenEnd.Completed).CountBy(turn => turn.Reason ?? $"{turn.End}").ToDictionary());
    }

    /// <summary>In milliseconds. A turn that was not completed took longer than any that was: where the quantile falls among them it is not a number.</summary>
    public double Quantile(LongHistogram histogram, double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(share * Asked));
        return rank > histogram.TotalCount ? double.NaN : histogram.GetValueAtPercentile(100.0 * rank / histogram.TotalCount) / 1e3;
    }

    private static long Microseconds(long from, long to) => Math.Clamp((long)Stopwatch.GetElapsedTime(from, to).TotalMicroseconds, 1, LongestMicroseconds);
}
