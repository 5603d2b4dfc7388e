using System.Diagnostics;

namespace R1Grains.LoadTests;

/// <summary>What is going on, on standard error: lines that stay, and on a terminal a last line that changes.</summary>
internal static class Progress
{
    private static readonly long Began = Stopwatch.GetTimestamp();
    private static readonly Lock Turn = new();
    private static int _shown;

    public static void Say(string line)
    {
        lock (Turn)
        {
            Clear();
            Console.Error.WriteLine($"{Stopwatch.GetElapsedTime(Began):mm\\:ss} {line}");
        }
    }

    /// <summary>Shown until the next word; nowhere but on a terminal.</summary>
    public static void Show(string state)
    {
        if (Console.IsErrorRedirected) return;
        lock (Turn)
        {
            Clear();
            Console.Error.Write(state);
            _shown = state.Length;
        }
    }

    private static void Clear()
    {
        if (_shown > 0) Console.Error.Write($"\r{new string(' ', _shown)}\r");
        _shown = 0;
    }
}
