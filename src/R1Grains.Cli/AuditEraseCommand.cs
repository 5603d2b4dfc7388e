using System.CommandLine;
using R1Grains.V1;

namespace R1Grains.Cli;

/// <summary><c>r1 audit erase</c></summary>
internal static class AuditEraseCommand
{
    private static readonly Argument<string> Erasure = new("erasure") { Description = "Its id, or its full name." };

    private static readonly Option<string?> Customer = new("--customer") { Description = "The customer, as conversations were created with it.", HelpName = "id" };

    private static readonly Option<string?> Conversation = new("--conversation") { Description = "A conversation of which nobody said whose it is: its id, or its full name.", HelpName = "id" };

    private static readonly Option<bool> WhenDue = new("--when-due") { Description = "What forbids it now, a legal hold or the minimum time of keeping, only puts it off: once approved, nothing more is said and few may read until then." };

    private static readonly Option<string> Hash = new("--hash") { Description = "As 'show' tells it: what is approved is what was looked at.", HelpName = "hash", Required = true };

    public static Command Create()
    {
        var request = new ExampledCommand("request", "Asks that everything a customer said be erased for good. Somebody else has to approve it.", """
            r1 audit erase request --customer customers/42 -m "request 2026-77 of the customer"
            r1 audit erase request --customer customers/42 --when-due -m "request 2026-77 of the customer"
            """) { Customer, Conversation, WhenDue, PurposeOption.Reading, Listing.Json };
        request.Validators.Add(result =>
        {
            if (result.GetValue(Customer) is null == result.GetValue(Conversation) is null)
                result.AddError("Say whose words are to be erased: --customer or --conversation, one of them.");
        });
        request.SetAction((parsed, cancellation) =>
        {
            var wanted = new RequestErasureRequest { Parent = Parent(parsed), RequestId = Guid.NewGuid().ToString(), WhenDue = parsed.GetValue(WhenDue), Purpose = parsed.GetRequiredValue(PurposeOption.Reading) };
            if (parsed.GetValue(Customer) is { } customer)
                wanted.Customer = customer;
            else
                wanted.ConversationName = Names.Conversation(parsed.TenantName(), parsed.GetValue(Conversation)!);
            return Show(parsed, connection => connection.Call(c => c.Transcripts.RequestErasureAsync(wanted, cancellationToken: cancellation), cancellation));
        });

        var approve = new ExampledCommand("approve", "Agrees to an erasure that somebody else asked for. It begins at once.", "r1 audit erase approve erasure-3f2a… --hash 9c1e… -m \"checked with legal\"") { Erasure, Hash, PurposeOption.Reading, Listing.Json };
        approve.SetAction((parsed, cancellation) =>
        {
            var wanted = new ApproveErasureRequest { Name = Name(parsed), RequestId = Guid.NewGuid().ToString(), Hash = parsed.GetRequiredValue(Hash), Purpose = parsed.GetRequiredValue(PurposeOption.Reading) };
            return Show(parsed, connection => connection.Call(c => c.Transcripts.ApproveErasureAsync(wanted, cancellationToken: cancellation), cancellation));
        });

        var reject = new ExampledCommand("reject", "Ends a request without anything done.", "r1 audit erase reject erasure-3f2a… -m \"the contract runs\"") { Erasure, PurposeOption.Reading, Listing.Json };
        reject.SetAction((parsed, cancellation) =>
        {
            var wanted = new RejectErasureRequest { Name = Name(parsed), RequestId = Guid.NewGuid().ToString(), Purpose = parsed.GetRequiredValue(PurposeOption.Reading) };
            return Show(parsed, connection => connection.Call(c => c.Transcripts.RejectErasureAsync(wanted, cancellationToken: cancellation), cancellation));
        });

        var show = new ExampledCommand("show", "Shows a request, what forbids it, or how far it is, and its certificate at last.", "r1 audit erase show erasure-3f2a…") { Erasure, Listing.Json };
        show.SetAction((parsed, cancellation) => Show(parsed, connection => connection.Call(c => c.Transcripts.GetErasureAsync(new() { Name = Name(parsed) }, cancellationToken: cancellation), cancellation)));

        var list = new ExampledCommand("list", "Lists the erasures that were asked for.", "r1 audit erase list") { Listing.Limit, Listing.Json };
        list.SetAction(List);

        return new ExampledCommand("erase", "Erases what a customer said, with four eyes: one person asks, another approves.", """
            r1 audit erase request --customer customers/42 -m "request 2026-77 of the customer"
            r1 audit erase show erasure-3f2a…
            r1 audit erase approve erasure-3f2a… --hash 9c1e… -m "checked with legal"
            """) { request, approve, reject, show, list }.WithServer();
    }

    private static async Task<int> List(ParseResult parsed, CancellationToken cancellation)
    {
        using var connection = parsed.Connect();
        var all = Listing.Pages<Erasure>(parsed.GetValue(Listing.Limit), async (size, token) =>
        {
            var page = await connection.Call(c => c.Transcripts.ListErasuresAsync(new() { Parent = Parent(parsed), PageSize = size, PageToken = token }, cancellationToken: cancellation), cancellation);
            return (page.Erasures, page.NextPageToken);
        });
        await new Listing(parsed.GetValue(Listing.Json)).Write(
            all,
            ["Erasure", "State", "Of", "Asked", "By", "Why", "Decided by", "Erased"],
            erasure => [Names.Id(erasure.Name), $"{erasure.State}", erasure.Covers, Listing.Text(erasure.RequestTime), erasure.RequestedBy, erasure.Purpose, erasure.DecidedBy, Listing.Text(erasure.EraseTime)]);
        return ExitCode.Done;
    }

    private static async Task<int> Show(ParseResult parsed, Func<Connection, Task<Erasure>> call)
    {
        using var connection = parsed.Connect();
        var erasure = await call(connection);
        new Listing(parsed.GetValue(Listing.Json)).Write(
            erasure,
            [
                ("erasure", Names.Id(erasure.Name)), ("state", $"{erasure.State}"), ("of", erasure.Covers), ("asked", Listing.Text(erasure.RequestTime)), ("by", erasure.RequestedBy), ("why", erasure.Purpose),
                ("hash", erasure.Hash), ("when due", erasure.WhenDue ? "yes" : ""), ("decided by", erasure.DecidedBy), ("decided", Listing.Text(erasure.DecideTime)),
                ("kept by", erasure.LegalHold), ("kept until", Listing.Text(erasure.KeepUntil)),
                ("erased", Listing.Text(erasure.EraseTime)), ("keys", Count(erasure.Keys)), ("conversations", Count(erasure.ConversationCount)), ("turns", Count(erasure.Turns)),
                .. erasure.Exports.Select(export => ("export", export)), ("certificate", erasure.Certificate),
            ]);
        return ExitCode.Done;
    }

    private static string Count(long number) => number == 0 ? "" : Listing.Text(number);

    private static string Parent(ParseResult parsed) => $"tenants/{parsed.TenantName()}";

    private static string Name(ParseResult parsed) =>
        parsed.GetRequiredValue(Erasure) is var typed && typed.StartsWith("tenants/", StringComparison.Ordinal) ? typed : $"{Parent(parsed)}/erasures/{typed}";
}
