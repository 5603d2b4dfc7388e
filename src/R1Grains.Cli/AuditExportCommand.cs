using System.CommandLine;
using R1Grains.Ledger.Exports;
using R1Grains.V1;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 audit export</c></summary>
internal static class AuditExportCommand
{
    private static readonly Option<string> Out = new("--out", "-o") { Description = "Into which folder: a new or an empty one, or one in which the same was broken off.", HelpName = "folder", Required = true };

    private static readonly Option<string[]> Conversations = new("--conversation") { Description = "Of this conversation alone: its id, or its full name; may be given several times.", HelpName = "id" };

    private static readonly Option<TranscriptView> View = new("--view")
    {
        Description = "Redacted: personal data are masked. Full: whole texts, passages and what waits for a person. Reasoning: the model's reasoning as well. Each needs its permission.",
        HelpName = "view",
        DefaultValueFactory = _ => TranscriptView.Redacted,
    };

    private static readonly Option<ExportFormat> Form = new("--format")
    {
        Description = "Jsonl: for programs, and what is proved. Csv: a table for spreadsheets beside it. Html: a page for people beside it.",
        HelpName = "format",
        DefaultValueFactory = _ => ExportFormat.Jsonl,
    };

    public static Command Create()
    {
        var export = new ExampledCommand(
            "export",
            "Writes turns that have ended into a folder that proves itself: 'r1 audit verify' checks it without server, database and network. Who exports what, and why, is recorded first. After Ctrl-C, or where the network broke, the same command goes on where it stopped.",
            """
            r1 audit export --customer customers/42 --out ./complaint-4711 -m "complaint 4711"
            r1 audit export --conversation 3f2a --view Full --format Html --out ./3f2a -m "complaint 4711"
            r1 audit export --hit-category fraud --since 2026-01-01 --until 2026-03-31 --format Csv --out ./fraud-q1 -m "quarterly review"
            """) { Out, Conversations, View, Form, PurposeOption.Reading }.WithFilter();
        export.SetAction(Run);
        return export.WithServer();
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var (folder, purpose) = (Path.GetFullPath(parsed.GetRequiredValue(Out)), parsed.GetRequiredValue(PurposeOption.Reading));
        using var connection = parsed.Connect();
        ExportDownload? download;
        try
        {
            download = ExportDownload.Find(folder);
            if (download is null && Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new IOException($"{folder} is not empty, and no export was broken off in it: choose another folder");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"r1: {exception.Message}");
            return ExitCode.Usage;
        }
        if (download is not null)
            Console.Error.WriteLine($"r1: goes on with {download.Export}, which was broken off in {folder}.");
        download ??= ExportDownload.Begin(folder, (await connection.Call(c => c.Transcripts.ExportTranscriptsAsync(Request(parsed, purpose), cancellationToken: cancellation), cancellation)).Name);
        var export = await WithProgress(async told =>
        {
            var ready = await download.WaitAsync(connection, found => told($"found {found.Turns}", 0, 0), cancellation);
            if (ready.State is V1.Export.Types.State.Ready)
                await download.RunAsync(connection, purpose, turns => told("turns", turns, ready.Turns), cancellation);
            return ready;
        });
        if (export.State is not V1.Export.Types.State.Ready)
        {
            Console.Error.WriteLine($"r1: {export.Name} is {export.State}{(export.Failure.Length > 0 ? $": {export.Failure}" : "")}");
            return ExitCode.Refused;
        }
        if (parsed.GetValue(Form) is not ExportFormat.Jsonl and var form)
            ExportRendering.Write(folder, form);
        Console.WriteLine($"{export.Turns} turns in {folder}: check it with 'r1 audit verify {folder} --key record.key.pub'");
        return ExitCode.Done;
    }

    private static ExportTranscriptsRequest Request(ParseResult parsed, string purpose) => new()
    {
        Parent = $"tenants/{parsed.TenantName()}",
        RequestId = Guid.NewGuid().ToString(),
        Purpose = purpose,
        View = parsed.GetValue(View),
        Filter = parsed.Filter(),
        Conversations = { (parsed.GetValue(Conversations) ?? []).Select(name => Names.Conversation(parsed.TenantName(), name)) },
    };

    private static Task<T> WithProgress<T>(Func<Action<string, long, long>, Task<T>> run) => Console.IsErrorRedirected || Console.IsOutputRedirected
        ? run((_, _, _) => { })
        : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
        {
            var task = context.AddTask("turns");
            return run((what, at, end) => (task.Description, task.MaxValue, task.Value) = (what, Math.Max(1, end), at));
        });
}
