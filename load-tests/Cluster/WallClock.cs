using System.Globalization;

namespace R1Grains.LoadTests.Cluster;

/// <summary>How far the wall clock of one process is off, as a file says that the process looks at.</summary>
internal sealed class WallClock
{
    private const string Variable = "PACED_CLOCK";

    private readonly string _file;

    /// <param name="file">Replaced whole, because the process may read at any moment.</param>
    public WallClock(string file)
    {
        _file = file;
        Set(TimeSpan.Zero);
    }

    public KeyValuePair<string, string> Environment => new(Variable, _file);

    /// <summary>The process sees it within <see cref="SetClock.LookEvery"/>.</summary>
    public void Set(TimeSpan off)
    {
        File.WriteAllText($"{_file}.new", off.Ticks.ToString(CultureInfo.InvariantCulture));
        File.Move($"{_file}.new", _file, overwrite: true);
    }

    /// <summary>In the process itself: the machine's time as its file has it; the machine's own where there is none.</summary>
    public static TimeProvider FromEnvironment() => System.Environment.GetEnvironmentVariable(Variable) is { } file ? new SetClock(file) : TimeProvider.System;

    /// <summary>Timestamps and timers go on as if nothing were, as they do when a real clock is set.</summary>
    private sealed class SetClock : TimeProvider
    {
        public static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

        // Held, because a timer that nobody holds stops.
        private readonly ITimer _looking;
        private long _off;

        public SetClock(string file) =>
            _looking = TimeProvider.System.CreateTimer(_ => Volatile.Write(ref _off, long.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture)), null, TimeSpan.Zero, LookEvery);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref _off));
    }
}
