using System.Diagnostics;

namespace R1Grains.LoadTests;

/// <param name="At">Seconds since the watch began.</param>
/// <param name="CpuSeconds">Since the process began.</param>
internal readonly record struct ProcessSample(double At, string Name, double ResidentMebibytes, double CpuSeconds);

/// <summary>Memory and processor time of the servers' processes, as long as it is watched. A process that ends is no longer seen.</summary>
internal sealed class ProcessWatch : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<ProcessSample> _samples = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Func<IEnumerable<(string Name, int Id)>> _processes;
    private readonly Task _watching;

    /// <param name="processes">Asked before each look, because processes come and go.</param>
    public ProcessWatch(Func<IEnumerable<(string Name, int Id)>> processes)
    {
        _processes = processes;
        _watching = Task.Run(Watch);
    }

    public IReadOnlyList<ProcessSample> Samples
    {
        get
        {
            lock (_samples) return [.. _samples];
        }
    }

    /// <summary>The most that all of them together took; not a number if none was seen.</summary>
    public double PeakTotalMebibytes => PeakTotalMebibytesSince(_began);

    /// <param name="timestamp">Looks before it do not count.</param>
    public double PeakTotalMebibytesSince(long timestamp)
    {
        var from = Stopwatch.GetElapsedTime(_began, timestamp).TotalSeconds;
        return Samples.Where(sample => sample.At >= from).GroupBy(sample => sample.At).Select(look => look.Sum(sample => sample.ResidentMebibytes)).DefaultIfEmpty(double.NaN).Max();
    }

    /// <summary>Processor time of all that run now, taken now.</summary>
    public double CpuSeconds() => Look().Sum(sample => sample.CpuSeconds);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _watching;
        _end.Dispose();
    }

    private async Task Watch()
    {
        using var timer = new PeriodicTimer(Every, TimeProvider.System);
        try
        {
            do
            {
                try
                {
                    var look = Look();
                    lock (_samples) _samples.AddRange(look);
                }
                catch (InvalidOperationException)
                {
                    // A process ended while it was looked at.
                }
            }
            while (await timer.WaitForNextTickAsync(_end.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private List<ProcessSample> Look()
    {
        var (at, samples) = (Stopwatch.GetElapsedTime(_began).TotalSeconds, new List<ProcessSample>());
        foreach (var (name, id) in _processes())
        {
            try
            {
                using var process = Process.GetProcessById(id);
                samples.Add(new(at, name, process.WorkingSet64 / (double)(1 << 20), process.TotalProcessorTime.TotalSeconds));
            }
            catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
            {
            }
        }
        return samples;
    }
}
