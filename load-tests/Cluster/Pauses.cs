using System.Diagnostics;
using R1Grains.LoadTests.Checks;
using R1Grains.LoadTests.Clients;

namespace R1Grains.LoadTests.Cluster;

/// <summary>What a fault did to the answers that were under way, of clients that read as fast as they come.</summary>
/// <param name="MidAnswer">Turns that by the record had released a piece and were open.</param>
/// <param name="Seconds">Of each answer that it touched: from the last piece before to the first piece after.</param>
internal sealed record Impact(Fault Fault, int MidAnswer, IReadOnlyList<double> Seconds)
{
    /// <summary>Without a fault pieces come several times a second: so long a pause is the fault's, though no stream broke.</summary>
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(1);

    public static IReadOnlyList<Impact> Of(IReadOnlyList<Fault> faults, IReadOnlyList<SeenTurn> seen, IReadOnlyList<RecordedTurn> record)
    {
        var impacts = new List<Impact>();
        for (var i = 0; i < faults.Count; i++)
        {
            var (from, to) = (faults[i].At, i + 1 < faults.Count ? faults[i + 1].At : long.MaxValue);
            impacts.Add(new(faults[i], record.Count(turn => turn.IsMidAnswer(faults[i].Time)), [.. seen.Where(turn => turn.Question.Class is PacedLoad.Visit).Select(turn => Pause(turn, from, to)).OfType<TimeSpan>().Select(pause => pause.TotalSeconds)]));
        }
        return impacts;
    }

    /// <summary>Null where the turn was not in the middle of its answer, or went on as if nothing had been.</summary>
    private static TimeSpan? Pause(SeenTurn turn, long from, long to)
    {
        if (turn.Pieces.Count == 0 || turn.Pieces[0].At >= from || turn.EndedAt < from) return null;
        // The end comes like a piece: an answer whose last piece came before the fault waits for it alone.
        List<long> times = [.. turn.Pieces.Select(piece => piece.At), .. turn.EndedAt is { } end ? [end] : (long[])[]];
        // Whoever had nothing for so long by then waits because of the fault before.
        if (Stopwatch.GetElapsedTime(times.Where(time => time < from).DefaultIfEmpty(from).Max(), from) >= Noticeable) return null;
        if (turn.Breaks.Where(broken => broken.At >= from && broken.At < to).Select(broken => broken.At).FirstOrDefault() is var broken and > 0)
        {
            var (before, after) = (times.Where(time => time <= broken).Max(), times.Where(time => time > broken).DefaultIfEmpty(long.MaxValue).Min());
            return after == long.MaxValue ? TimeSpan.MaxValue : Stopwatch.GetElapsedTime(before, after);
        }
        // One that begins with the last piece before the next fault is that one's.
        var longest = times.Zip(times.Skip(1)).Where(pair => pair.Second >= from && pair.First < to && (pair.Second < to || Stopwatch.GetElapsedTime(pair.First, to) >= Noticeable)).Select(pair => Stopwatch.GetElapsedTime(pair.First, pair.Second)).DefaultIfEmpty().Max();
        return longest >= Noticeable ? longest : null;
    }
}
