using System.Globalization;

namespace R1Grains.Ledger;

/// <summary>Marks in a folder of their own, a file per writer. Several processes may use the folder: each writes its own writers' files.</summary>
/// <param name="dataFolder">Holds the folder <c>record-marks</c>, which is made when the first mark is kept.</param>
public sealed class FileRecordMarks(string dataFolder) : IRecordMarks
{
    private const string Unfinished = ".new";

    public string Place { get; } = Path.Combine(Path.GetFullPath(dataFolder), "record-marks");

    /// <exception cref="IOException"/>
    /// <exception cref="InvalidDataException">A file is not one of these.</exception>
    public async Task<IReadOnlyDictionary<Guid, long>> ReadAsync(CancellationToken cancellation = default)
    {
        var marks = new Dictionary<Guid, long>();
        if (!Directory.Exists(Place))
            return marks;
        foreach (var file in Directory.EnumerateFiles(Place).Where(file => !file.EndsWith(Unfinished, StringComparison.Ordinal)))
        {
            if (!Guid.TryParse(Path.GetFileName(file), out var writer) || !long.TryParse(await File.ReadAllTextAsync(file, cancellation), NumberStyles.None, CultureInfo.InvariantCulture, out var batch))
                throw new InvalidDataException($"'{file}' is no mark of a record's writer. Bring back the file as it was, or delete it and lose what it shows.");
            marks[writer] = batch;
        }
        return marks;
    }

    /// <exception cref="IOException"/>
    public async Task KeepAsync(Guid writer, long batch, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Place);
        var file = Path.Combine(Place, writer.ToString());
        if (File.Exists(file) && long.TryParse(await File.ReadAllTextAsync(file, cancellation), NumberStyles.None, CultureInfo.InvariantCulture, out var kept) && kept >= batch)
            return;
        // Whole or not at all, also when the power fails.
        await using (var unfinished = new FileStream(file + Unfinished, FileMode.Create, FileAccess.Write))
        {
            await unfinished.WriteAsync(System.Text.Encoding.ASCII.GetBytes(batch.ToString(CultureInfo.InvariantCulture)), cancellation);
            unfinished.Flush(flushToDisk: true);
        }
        File.Move(file + Unfinished, file, overwrite: true);
    }
}
