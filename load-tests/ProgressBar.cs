using System.Diagnostics;

namespace R1Grains.LoadTests;

/// <summary>How far something long is: a bar on a terminal, elsewhere a line at each tenth. Advanced from any thread.</summary>
internal sealed class ProgressBar(string what, int total)
{
    private const int Width = 30;
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(200);

    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly Lock _gate = new();
    private long _shown;
    private int _done;
    private int _tenths;

    public void Advance()
    {
        lock (_gate)
        {
            _done++;
            if (_done * 10L / total > _tenths) Said();
            else if (Stopwatch.GetElapsedTime(_shown) >= Every) Shown();
        }
    }

    private void Said()
    {
        _tenths = (int)(_done * 10L / total);
        if (Console.IsErrorRedirected || _done == total) Progress.Say(State());
        else Shown();
    }

    private void Shown()
    {
        _shown = Stopwatch.GetTimestamp();
        var filled = (int)(Width * (long)_done / total);
        Progress.Show($"{new string('█', filled)}{new string('░', Width - filled)} {State()}");
    }

    private string State()
    {
        var rate = _done / Stopwatch.GetElapsedTime(_began).TotalSeconds;
        return _done == total
            ? $"{total:n0} {what} in {Stopwatch.GetElapsedTime(_began):m\\:ss}, {rate:n0} a second"
            : $"{_done:n0} of {total:n0} {what}, {rate:n0} a second, {TimeSpan.FromSeconds((total - _done) / rate):m\\:ss} left";
    }
}
