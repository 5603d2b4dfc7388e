using System.CommandLine;
using R1Grains.Ledger;
using R1Grains.Ledger.Tree;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 audit</c></summary>
internal static class AuditCommand
{
    private static readonly Argument<string> Place = new("record")
    {
        Description = "The folder of an export; or the record's file, or the folder that holds it, or the connection string of a PostgreSQL database.",
        DefaultValueFactory = _ => "data",
    };

    private static readonly Option<string[]> Keys = new("--key")
    {
        Description = "File of a public key that signs the record, as it was handed out (record.key.pub); may be given several times. Where the key was replaced, the record leads from it to the newest. Without it the one beside the record's file, or the one in the export, is taken, which proves only that nothing was changed by somebody without the private one.",
    };

    public static Command Create()
    {
        var verify = new ExampledCommand(
            "verify",
            "Recomputes every hash of an export, or of a record, whose trees it builds anew: without a server of R1Grains or beside running ones, of an export without network and database. With --server the server does so for one tenant, beside everything else, and the checkpoint that it ends with is checked here against --key. Says VALID (exit code 0), or INVALID and the first bad or missing record (1); 2 where there is nothing to verify, or the server refuses.",
            """
            r1 audit verify ./complaint-4711 --key record.key.pub
            r1 audit verify
            r1 audit verify /srv/r1grains/data --key record.key.pub
            r1 audit verify "Host=db1;Database=r1grains;Username=auditor;Passfile=/home/auditor/.pgpass"
            r1 audit verify --server https://r1.bank.example --tenant north --key record.key.pub -m "monthly review"
            """) { Place, Keys, PurposeOption.OfServer }.WithServer();
        verify.Validators.Add(result =>
        {
            if (!result.NamesServer())
                return;
            if (result.GetResult(Place) is { Implicit: false, Tokens.Count: > 0 })
                result.AddError("Name a record, or a --server that verifies its own: not both.");
            if (string.IsNullOrWhiteSpace(result.GetValue(PurposeOption.OfServer)))
                result.AddError("--purpose is missing: say why the server is asked, for the record, or set R1_PURPOSE.");
        });
        verify.SetAction(Verify);
        return new ExampledCommand("audit", "Finds, shows and exports what was recorded, tells who has read it, keeps or erases it, and checks it.", """
            r1 audit search 年费 -m "complaint 4711"
            r1 audit show 3f2a -m "complaint 4711"
            r1 audit events --resource 3f2a -m "who has read this conversation?"
            r1 audit export --customer customers/42 --out ./complaint-4711 -m "complaint 4711"
            r1 audit hold place --customer customers/42 -m "case 2026-118"
            r1 audit erase request --customer customers/42 -m "request 2026-77 of the customer"
            r1 audit verify ./data
            """) { AuditSearchCommand.Create(), AuditShowCommand.Create(), AuditEventsCommand.Create(), AuditExportCommand.Create(), AuditExportsCommand.Create(), AuditHoldCommand.Create(), AuditEraseCommand.Create(), verify, WitnessCommand.Create() };
    }

    private static async Task<int> Verify(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.CommandResult.NamesServer())
            return await ServerVerification.RunAsync(parsed, parsed.GetValue(Keys) ?? [], cancellation);
        if (ExportVerification.IsMeant(parsed.GetRequiredValue(Place)))
            return await ExportVerification.RunAsync(parsed.GetRequiredValue(Place), parsed.GetValue(Keys) ?? [], cancellation);
        VerificationReport report;
        NoteKey[] keys = [];
        try
        {
            var place = parsed.GetRequiredValue(Place);
            keys = [.. KeyFiles(parsed.GetValue(Keys) ?? [], place).Select(file => NoteKey.FromPem(File.ReadAllText(file)))];
            report = await WithProgress(told => Verify(place, keys, told is null ? null : new Progress<VerificationProgress>(told), cancellation));
        }
        catch (Exception exception) when (exception is RecordFolderException or RecordServerException or RecordUnavailableException or IOException or UnauthorizedAccessException or FormatException)
        {
            Console.Error.WriteLine($"r1: {exception.Message}");
            return ExitCode.Usage;
        }

        Console.WriteLine($"{(report.Valid ? "VALID" : "INVALID")}: {Counts(report)}");
        Console.WriteLine($"trees: {report.Leaves} leaves, {report.Checkpoints} checkpoints, {(keys.Length == 0 ? "signatures not checked: name the --key" : $"signed with {string.Join(" or ", keys.Select(key => $"{key.Id:x8}"))}{(report.Signers.Skip(keys.Length).ToList() is { Count: > 0 } followed ? $", and {string.Join(" and ", followed.Select(id => $"{id:x8}"))}, to which its rotations lead" : "")}")}");
        Array.ForEach(keys, key => key.Dispose());
        if (report.FirstBad is not { } bad)
            return ExitCode.Done;
        Console.WriteLine($"first of {report.Bad}: {bad}");
        return ExitCode.Refused;
    }

    internal static string[] KeyFiles(string[] named, string place)
    {
        if (named.Length > 0)
            return named;
        var folder = Directory.Exists(place) ? place : Path.GetDirectoryName(place);
        var beside = Path.Combine(folder ?? "", SqliteRecord.KeyFileName + ".pub");
        return !IsConnection(place) && File.Exists(beside) ? [beside] : [];
    }

    internal static bool IsConnection(string place) => place.Contains('=', StringComparison.Ordinal) && !Path.Exists(place);

    private static Task<VerificationReport> Verify(string place, NoteKey[] keys, IProgress<VerificationProgress>? progress, CancellationToken cancellation) =>
        IsConnection(place) ? RecordVerifier.VerifyPostgresAsync(place, keys, progress: progress, cancellation: cancellation) : RecordVerifier.VerifyAsync(place, keys, progress: progress, cancellation: cancellation);

    internal static string Counts(VerificationReport report) =>
        $"{report.Conversations} conversations, {report.Turns} turns ({report.OpenTurns} open), {report.Entries} entries, {report.Pieces} pieces, {report.AdministrativeRecords} administrative records{(report.RetiredEntries > 0 ? $"; {report.RetiredEntries} entries of retired months are no longer kept" : "")}";

    internal static Task<T> WithProgress<T>(Func<Action<VerificationProgress>?, Task<T>> verify) =>
        Console.IsErrorRedirected || Console.IsOutputRedirected
            ? verify(null)
            : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
            {
                var task = context.AddTask("records");
                return verify(at => (task.Description, task.MaxValue, task.Value) = (at.Leaves == 0 ? "records" : "leaves", Math.Max(1, 2 * at.Total), at.Records + at.Leaves));
            });
}
