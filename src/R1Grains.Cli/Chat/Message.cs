namespace R1Grains.Cli;

/// <summary>What the user says in one turn: a line; lines that end with \ and the one after; or lines between two """.</summary>
internal static class Message
{
    private const string Fence = "\"\"\"";

    /// <param name="nextLine">Reads a line, null at the end of input; told whether it continues a message.</param>
    /// <returns>Null at the end of input.</returns>
    public static async Task<string?> Read(Func<bool, Task<string?>> nextLine)
    {
        if (await nextLine(false) is not { } line)
            return null;
        var fenced = line.StartsWith(Fence, StringComparison.Ordinal);
        if (fenced)
            line = line[Fence.Length..];

        var lines = new List<string>();
        while (fenced ? !line.EndsWith(Fence, StringComparison.Ordinal) : line.EndsWith('\\'))
        {
            lines.Add(fenced ? line : line[..^1]);
            if (await nextLine(true) is not { } next)
                return string.Join('\n', lines);
            line = next;
        }
        lines.Add(fenced ? line[..^Fence.Length] : line);
        return string.Join('\n', lines).Trim('\n');
    }
}
