using System.CommandLine;
using R1Grains.Ledger;
using Spectre.Console;

namespace R1Grains.Cli;

/// <summary><c>r1 audit</c></summary>
internal static class AuditCommand
{
    private static readonly Argument<string> Place = new("record")
    {
        Description = "The record's file, or the folder that holds it, or the connection string of a PostgreSQL database.",
        DefaultValueFactory = _ => "data",
    };

    public static Command Create()
    {
        var verify = new ExampledCommand(
            "verify",
            "Recomputes every hash of a record, without a server of R1Grains or beside running ones. Says VALID (exit code 0), or INVALID and the first bad entry (1); 2 where there is no record to read.",
            """
            r1 audit verify
            r1 audit verify /srv/r1grains/data
            r1 audit verify "Host=db1;Database=r1grains;Username=auditor;Passfile=/home/auditor/.pgpass"
            """) { Place };
        verify.SetAction(Verify);
        return new ExampledCommand("audit", "Checks what was recorded.", "r1 audit verify ./data") { verify };
    }

    private static async Task<int> Verify(ParseResult parsed, CancellationToken cancellation)
    {
        VerificationReport report;
        try
        {
            report = await WithProgress(progress => Verify(parsed.GetRequiredValue(Place), progress, cancellation));
        }
        catch (Exception exception) when (exception is RecordFolderException or RecordServerException or RecordUnavailableException)
        {
            Console.Error.WriteLine($"r1: {exception.Message}");
            return ExitCode.Usage;
        }

        Console.WriteLine($"{(report.Valid ? "VALID" : "INVALID")}: {report.Conversations} conversations, {report.Turns} turns ({report.OpenTurns} open), {report.Entries} entries, {report.Pieces} pieces, {report.AdministrativeRecords} administrative records");
        if (report.FirstBad is not { } bad)
            return ExitCode.Done;
        Console.WriteLine($"first of {report.Bad}: {bad}");
        return ExitCode.Refused;
    }

    private static Task<VerificationReport> Verify(string place, IProgress<VerificationProgress>? progress, CancellationToken cancellation) =>
        place.Contains('=', StringComparison.Ordinal) && !Path.Exists(place)
            ? RecordVerifier.VerifyPostgresAsync(place, progress, cancellation)
            : RecordVerifier.VerifyAsync(place, progress, cancellation);

    private static Task<VerificationReport> WithProgress(Func<IProgress<VerificationProgress>?, Task<VerificationReport>> verify) =>
        Console.IsErrorRedirected || Console.IsOutputRedirected
            ? verify(null)
            : AnsiConsole.Progress().AutoClear(true).StartAsync(context =>
            {
                var task = context.AddTask("conversations");
                return verify(new Progress<VerificationProgress>(progress => (task.MaxValue, task.Value) = (Math.Max(1, progress.Total), progress.Conversations)));
            });
}
