using R1Grains.Ledger.Exports;
using R1Grains.Ledger.Tree;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 audit verify</c> of the folder of an export.</summary>
internal static class ExportVerification
{
    /// <summary>Whether it is an export that is named, and no record.</summary>
    public static bool IsMeant(string place) => Directory.Exists(place) && (ExportVerifier.IsExport(place) || !File.Exists(Path.Combine(place, "record.db")) && Directory.EnumerateFileSystemEntries(place).Any());

    public static async Task<int> RunAsync(string folder, string[] keyFiles, CancellationToken cancellation)
    {
        NoteKey[] keys = [];
        try
        {
            keys = [.. keyFiles.Select(file => NoteKey.FromPem(File.ReadAllText(file)))];
            var report = await WithProgress(progress => ExportVerifier.VerifyAsync(folder, keys, progress, cancellation));
            var (manifest, counts) = (report.Manifest, report.Counts);
            Console.WriteLine($"{(report.Valid ? "VALID" : "INVALID")}: {manifest.Export}: {counts.Conversations} conversations ({counts.Erased} erased), {counts.Turns} turns, {counts.Records} records, as {manifest.Asked.By} asked for them at {manifest.Asked.At.UtcDateTime:u}, view {manifest.Asked.View}: {OneLine(manifest.Asked.Purpose)}");
            if (report.FirstBad is { } bad)
            {
                Console.WriteLine($"first bad: {OneLine(bad.ToString())}");
                return ExitCode.Refused;
            }
            Console.WriteLine($"proved against the checkpoint for {report.TreeSize} leaves{(keys.Length == 0 ? "" : $", signed with {report.Signer:x8}{(keys.Any(key => key.Id == report.Signer) ? "" : $", to which the rotations of {string.Join(" or ", keys.Select(key => $"{key.Id:x8}"))} lead")}")}{(counts.Masked > 0 ? $"; {counts.Masked} texts are masked, which the export's signature proves and not the tree" : "")}");
            if (keys.Length == 0)
                Console.Error.WriteLine("r1: the key in the export was taken as it is: whoever made another export could have put another key into it. Name the --key that was handed out.");
            return ExitCode.Done;
        }
        catch (Exception exception) when (exception is ExportException or IOException or UnauthorizedAccessException or FormatException)
        {
            Console.Error.WriteLine($"r1: {exception.Message}");
            return ExitCode.Usage;
        }
        finally
        {
            Array.ForEach(keys, key => key.Dispose());
        }
    }

    /// <summary>What stands in an export may come from anybody: it does not drive a terminal.</summary>
    private static string OneLine(string text) => string.Concat(text.Select(letter => char.IsControl(letter) ? '?' : letter));

    private static Task<ExportReport> WithProgress(Func<IProgress<ExportProgress>?, Task<ExportReport>> verify) =>
        Console.IsErrorRedirected || Console.IsOutputRedirected
            ? verify(null)
            : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
            {
                var task = context.AddTask("records");
                return verify(new Progress<ExportProgress>(progress => (task.MaxValue, task.Value) = (Math.Max(1, progress.Total), progress.Bytes)));
            });
}
