namespace R1Grains.Cli;

internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Refused, failed, an invalid record, or a replay that differs.</summary>
    public const int Refused = 1;

    /// <summary>Wrong usage, or nothing to verify or to compare.</summary>
    public const int Usage = 2;

    public const int Unreachable = 3;

    /// <summary>Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;
}
