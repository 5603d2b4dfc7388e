using System.Globalization;

namespace R1Grains.Ledger.Exports;

/// <summary>How far an export has been made: all that is needed to go on from there, in any process.</summary>
/// <param name="Next">Of the selection: the first conversation that was not written.</param>
/// <param name="Files">Those that grow with the conversations, as they are.</param>
public sealed record ExportPosition(int Next, ExportCounts Counts, IReadOnlyList<ExportedFile> Files)
{
    /// <summary>Before anything was written.</summary>
    public static readonly ExportPosition Start = new(0, new(0, 0, 0, 0, 0), []);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Next} {Counts.Conversations} {Counts.Turns} {Counts.Records} {Counts.Erased} {Counts.Masked} {string.Join(' ', Files.Select(file => $"{file.Name} {file.Bytes} {file.Hash}"))}");

    /// <exception cref="FormatException"/>
    public static ExportPosition Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 6 || parts.Length % 3 != 0)
            throw new FormatException("a position in an export is numbers and files");
        var numbers = Array.ConvertAll(parts[..6], part => long.Parse(part, NumberStyles.None, CultureInfo.InvariantCulture));
        return new(
            (int)numbers[0], new(numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]),
            [.. parts[6..].Chunk(3).Select(file => new ExportedFile(file[0], long.Parse(file[1], NumberStyles.None, CultureInfo.InvariantCulture), file[2]))]);
    }
}

/// <summary>The next bytes of one of an export's files.</summary>
/// <param name="After">Where the export may be gone on with after them; null where it may not.</param>
/// <param name="IsLast">Whether the export is whole with them.</param>
public sealed record ExportFrame(string File, ReadOnlyMemory<byte> Bytes, ExportPosition? After = null, bool IsLast = false);
