using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 audit hold</c></summary>
internal static class AuditHoldCommand
{
    private static readonly Argument<string> Hold = new("hold") { Description = "Its id, or its full name." };

    private static readonly Option<string?> Customer = new("--customer") { Description = "The customer, as conversations were created with it.", HelpName = "id" };

    private static readonly Option<string?> Conversation = new("--conversation") { Description = "A conversation: its id, or its full name.", HelpName = "id" };

    private static readonly Option<bool> All = new("--all") { Description = "Everything of the tenant." };

    private static readonly Option<bool> Released = new("--released") { Description = "Those that were released, instead of those in force." };

    public static Command Create()
    {
        var place = new ExampledCommand("place", "Keeps what a customer said, a conversation, or everything of the tenant from being erased until the hold is released.", """
            r1 audit hold place --customer customers/42 -m "case 2026-118"
            r1 audit hold place --conversation 3f2a -m "case 2026-118"
            r1 audit hold place --all -m "inspection"
            """) { Customer, Conversation, All, PurposeOption.Reading, Listing.Json };
        place.Validators.Add(result =>
        {
            if ((result.GetValue(Customer) is null ? 0 : 1) + (result.GetValue(Conversation) is null ? 0 : 1) + (result.GetValue(All) ? 1 : 0) != 1)
                result.AddError("Say what the hold covers: --customer, --conversation or --all, one of them.");
        });
        place.SetAction((parsed, cancellation) =>
        {
            var request = new PlaceLegalHoldRequest { Parent = Parent(parsed), RequestId = Guid.NewGuid().ToString(), Purpose = parsed.GetRequiredValue(PurposeOption.Reading) };
            if (parsed.GetValue(Customer) is { } customer)
                request.Customer = customer;
            else if (parsed.GetValue(Conversation) is { } conversation)
                request.ConversationName = Names.Conversation(parsed.TenantName(), conversation);
            else
                request.WholeTenant = true;
            return Show(parsed, connection => connection.Call(c => c.Transcripts.PlaceLegalHoldAsync(request, cancellationToken: cancellation), cancellation));
        });

        var release = new ExampledCommand("release", "Lets go of what a hold keeps.", "r1 audit hold release hold-3f2a… -m \"case 2026-118 is closed\"") { Hold, PurposeOption.Reading, Listing.Json };
        release.SetAction((parsed, cancellation) =>
        {
            var request = new ReleaseLegalHoldRequest { Name = Name(parsed), RequestId = Guid.NewGuid().ToString(), Purpose = parsed.GetRequiredValue(PurposeOption.Reading) };
            return Show(parsed, connection => connection.Call(c => c.Transcripts.ReleaseLegalHoldAsync(request, cancellationToken: cancellation), cancellation));
        });

        var list = new ExampledCommand("list", "Lists the holds of a tenant, or those that keep anything of a customer.", """
            r1 audit hold list
            r1 audit hold list --customer customers/42 --released
            """) { Customer, Released, Listing.Limit, Listing.Json };
        list.SetAction(List);

        return new ExampledCommand("hold", "Legal holds: what they cover is erased by nobody.", """
            r1 audit hold place --customer customers/42 -m "case 2026-118"
            r1 audit hold list
            r1 audit hold release hold-3f2a… -m "closed"
            """) { place, release, list }.WithServer();
    }

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var request = new ListLegalHoldsRequest { Parent = Parent(parsed), Released = parsed.GetValue(Released), Customer = parsed.GetValue(Customer) ?? "" };
        var all = Listing.Pages<LegalHold>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Transcripts.ListLegalHoldsAsync(new(request) { PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.LegalHolds, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all,
            ["Hold", "Covers", "Placed", "By", "Why", "Released", "By", "Why"],
            hold => [Names.Id(hold.Name), hold.Covers, Listing.Text(hold.PlaceTime), hold.PlacedBy, hold.Purpose, Listing.Text(hold.ReleaseTime), hold.ReleasedBy, hold.ReleasePurpose]);
        return ExitCode.Done;
    }

    private static async Task<int> Show(ParseResult parsed, Func<Connection, Task<LegalHold>> call)
    {
        using var connection = parsed.Connect();
        var hold = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            hold,
            [
                ("hold", Names.Id(hold.Name)), ("covers", hold.Covers), ("placed", Listing.Text(hold.PlaceTime)), ("by", hold.PlacedBy), ("why", hold.Purpose),
                .. hold.TooLateFor.Select(erasure => ("too late for", Names.Id(erasure))),
                ("released", Listing.Text(hold.ReleaseTime)), ("released by", hold.ReleasedBy), ("released why", hold.ReleasePurpose),
            ]);
        return ExitCode.Done;
    }

    private static string Parent(ParseResult parsed) => $"tenants/{parsed.TenantName()}";

    private static string Name(ParseResult parsed) =>
        parsed.GetRequiredValue(Hold) is var typed && typed.StartsWith("tenants/", StringComparison.Ordinal) ? typed : $"{Parent(parsed)}/legalHolds/{typed}";
}
