using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 audit exports</c></summary>
internal static class AuditExportsCommand
{
    private static readonly Argument<string> Export = new("export") { Description = "Its id, or its full name." };

    public static Command Create()
    {
        var list = new ExampledCommand("list", "Lists the exports of the last seven days.", "r1 audit exports list") { Listing.Limit, Listing.Json };
        list.SetAction(List);

        var show = new ExampledCommand("show", "Shows what was asked for and how far it is.", "r1 audit exports show export-3f2a…") { Export, Listing.Json };
        show.SetAction((parsed, cancellation) => Show(parsed, connection => connection.Call(c => c.Transcripts.GetExportAsync(new() { Name = Name(parsed) }, cancellationToken: cancellation), cancellation)));

        var cancel = new ExampledCommand("cancel", "Ends an export, or does away with one that is ready: it can no longer be downloaded.", "r1 audit exports cancel export-3f2a… -m \"asked for by mistake\"") { Export, PurposeOption.Reading, Listing.Json };
        cancel.SetAction((parsed, cancellation) =>
        {
            var request = new CancelExportRequest { Name = Name(parsed), RequestId = Guid.NewGuid().ToString(), Purpose = parsed.GetRequiredValue(PurposeOption.Reading) };
            return Show(parsed, connection => connection.Call(c => c.Transcripts.CancelExportAsync(request, cancellationToken: cancellation), cancellation));
        });

        return new ExampledCommand("exports", "Exports that were asked for, by whomever.", """
            r1 audit exports list
            r1 audit exports cancel export-3f2a… -m "asked for by mistake"
            """) { list, show, cancel }.WithServer();
    }

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var all = Listing.Pages<Export>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Transcripts.ListExportsAsync(new() { Parent = Parent(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.Exports, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all,
            ["Export", "State", "Turns", "View", "Asked", "By", "Why"],
            export => [Names.Id(export.Name), $"{export.State}", Listing.Text(export.Turns), $"{export.View}", Listing.Text(export.RequestTime), export.RequestedBy, export.Purpose]);
        return ExitCode.Done;
    }

    private static async Task<int> Show(ParseResult parsed, Func<Connection, Task<Export>> call)
    {
        using var connection = parsed.Connect();
        var export = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            export,
            ("export", Names.Id(export.Name)), ("state", $"{export.State}"), ("turns", Listing.Text(export.Turns)), ("view", $"{export.View}"), ("asked", Listing.Text(export.RequestTime)), ("by", export.RequestedBy),
            ("why", export.Purpose), ("until", Listing.Text(export.ExpireTime)), ("failure", export.Failure));
        return ExitCode.Done;
    }

    private static string Parent(ParseResult parsed) => $"tenants/{parsed.TenantName()}";

    private static string Name(ParseResult parsed) =>
        parsed.GetRequiredValue(Export) is var typed && typed.StartsWith("tenants/", StringComparison.Ordinal) ? typed : $"{Parent(parsed)}/exports/{typed}";
}
