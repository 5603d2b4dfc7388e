using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 audit events</c></summary>
internal static class AuditEventsCommand
{
    private static readonly Option<string?> Actor = new("--actor") { Description = "Who did it.", HelpName = "subject" };

    private static readonly Option<string?> Action = new("--action") { Description = "What was done, or its first words: transcript stands for transcript.read and transcript.search.", HelpName = "action" };

    private static readonly Option<string?> Resource = new("--resource") { Description = "What it was about, and all below it: a full name, or the id of a conversation.", HelpName = "name" };

    public static Command Create()
    {
        var events = new ExampledCommand(
            "events",
            "Lists who did, was denied or read what, the latest first. That the list was read is one of them.",
            """
            r1 audit events -m "access review"
            r1 audit events --action transcript --resource 3f2a -m "who has read this conversation?"
            r1 audit events --action access.denied --since 30d -m "access review" --json
            """) { PurposeOption.Reading, WhenOption.Since, WhenOption.Until, Actor, Action, Resource, Listing.Limit, Listing.Json };
        events.SetAction(Run);
        return events.WithServer();
    }

    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new ListAuditEventsRequest
        {
            Parent = $"tenants/{parsed.TenantName()}",
            Purpose = parsed.GetRequiredValue(PurposeOption.Reading),
            StartTime = parsed.Wire(WhenOption.Since),
            EndTime = parsed.Wire(WhenOption.Until),
            Actor = parsed.GetValue(Actor) ?? "",
            Action = parsed.GetValue(Action) ?? "",
            Resource = parsed.GetValue(Resource) is { } resource ? Names.Conversation(parsed.TenantName(), resource) : "",
        };
        var all = Listing.Pages<AuditEvent>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Transcripts.ListAuditEventsAsync(
                new(request) { PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.Events, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all,
            ["Number", "Time", "Who", "Did", "About", "Purpose", "Details"],
            happened =>
            [
                Listing.Text(happened.Index), Listing.Text(happened.Time), happened.Actor, happened.Action, happened.Resource, happened.Purpose,
                string.Join(", ", happened.Details.Select(detail => $"{detail.Name}={detail.Value}")),
            ]);
        return ExitCode.Done;
    }
}
