namespace R1Grains.Cli;

/// <summary>Ctrl-C: what runs may take the first one for itself; any other leaves, and one more kills.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly CancellationTokenSource _leaving = new();
    private Action? _first;

    public Interrupts() => Console.CancelKeyPress += Pressed;

    public CancellationToken Leaving => _leaving.Token;

    /// <summary>Gives the next Ctrl-C to <paramref name="first"/>, until disposed.</summary>
    public IDisposable Take(Action first)
    {
        Volatile.Write(ref _first, first);
        return new Taken(this);
    }

    public void Dispose()
    {
        Console.CancelKeyPress -= Pressed;
        _leaving.Dispose();
    }

    private void Pressed(object? sender, ConsoleCancelEventArgs press)
    {
        if (press.SpecialKey is not ConsoleSpecialKey.ControlC || Leaving.IsCancellationRequested)
            return;
        press.Cancel = true;
        if (Interlocked.Exchange(ref _first, null) is { } first)
            first();
        else
            _leaving.Cancel();
    }

    private sealed class Taken(Interrupts interrupts) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref interrupts._first, null);
    }
}
