using System.Diagnostics;

namespace R1Grains.LoadTests;

/// <summary>Requests that come when they come, whether or not earlier ones are answered.</summary>
internal static class OpenLoop
{
    /// <summary>Starts <paramref name="request"/> at the times of a Poisson process, the same for the same seed; ends when all have ended.</summary>
    /// <param name="request">Its number from 0, and the timestamp at which it was due: what it waits for a busy machine counts.</param>
    /// <returns>Results in the order of arrival, and seconds from the beginning to the last end.</returns>
    public static async Task<(T[] Results, double Seconds)> RunAsync<T>(double rate, double seconds, int seed, Func<int, long, Task<T>> request, CancellationToken cancellation)
    {
        var times = Times(rate, seconds, seed);
        var running = new List<Task<T>>(times.Count);
        var start = Stopwatch.GetTimestamp();
        foreach (var time in times)
        {
            var (number, due) = (running.Count, start + (long)(time * Stopwatch.Frequency));
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } early) await Task.Delay(early, TimeProvider.System, cancellation);
            running.Add(Task.Run(() => request(number, due), cancellation));
        }
        var results = await Task.WhenAll(running);
        return (results, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    public static IReadOnlyList<double> Times(double rate, double seconds, int seed)
    {
        var (random, times) = (new Random(seed), new List<double>());
        for (var time = 0.0; (time -= Math.Log(1 - random.NextDouble()) / rate) < seconds;) times.Add(time);
        return times;
    }
}
